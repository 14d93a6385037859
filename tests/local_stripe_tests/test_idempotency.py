"""Idempotency-Key."""

import pytest
import stripe

from tests.local_stripe import LocalStripe
from tests.local_stripe_tests.conftest import headers_of, headers_of_error


def test_a_replayed_idempotency_key_gives_the_first_answer(client: stripe.StripeClient) -> None:
    first = client.v1.customers.create({"name": "Jane"}, {"idempotency_key": "one"})
    again = client.v1.customers.create({"name": "Jane"}, {"idempotency_key": "one"})

    assert again.id == first.id
    assert headers_of(again)["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in headers_of(first)
    assert len(client.v1.customers.list().data) == 1


def test_a_replayed_decline_stays_a_decline_even_after_the_card_is_good(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails()
    with pytest.raises(stripe.CardError) as first:
        client.v1.invoices.pay(ids["invoice"], {}, {"idempotency_key": "pay:1"})
    local_stripe.scenarios.set_outcome(payment_method=ids["payment_method"])

    with pytest.raises(stripe.CardError) as again:
        client.v1.invoices.pay(ids["invoice"], {}, {"idempotency_key": "pay:1"})

    assert again.value.http_status == 402
    assert headers_of_error(again.value)["Idempotent-Replayed"] == "true"
    assert again.value.json_body == first.value.json_body
    assert client.v1.invoices.retrieve(ids["invoice"]).status == "open"


def test_a_remembered_500_is_replayed(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    local_stripe.faults.add("500", method="POST", path="/v1/customers")

    for _ in range(2):
        with pytest.raises(stripe.APIError) as error:
            client.v1.customers.create({"name": "Jane"}, {"idempotency_key": "one"})
        assert error.value.http_status == 500
    assert client.v1.customers.list().data == []


def test_the_same_key_with_other_parameters_is_refused(client: stripe.StripeClient) -> None:
    client.v1.customers.create({"name": "Jane"}, {"idempotency_key": "one"})

    with pytest.raises(stripe.IdempotencyError) as error:
        client.v1.customers.create({"name": "John"}, {"idempotency_key": "one"})

    assert error.value.http_status == 400
    assert "same parameters" in str(error.value.user_message)


def test_the_same_key_at_another_endpoint_is_refused(client: stripe.StripeClient) -> None:
    client.v1.customers.create({"name": "Jane"}, {"idempotency_key": "one"})

    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        client.v1.products.create({"name": "Jane"}, {"idempotency_key": "one"})


def test_what_fails_validation_is_not_remembered(client: stripe.StripeClient) -> None:
    options: stripe.RequestOptions = {"idempotency_key": "one"}
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.create({"nonsense": "x"}, options)  # type: ignore[arg-type]

    assert client.v1.customers.create({"name": "Jane"}, options).name == "Jane"


def test_two_accounts_may_use_the_same_key(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    other = stripe.StripeClient("sk_test_other", base_addresses={"api": local_stripe.url})
    mine = client.v1.customers.create({"name": "Jane"}, {"idempotency_key": "one"})
    theirs = other.v1.customers.create({"name": "Jane"}, {"idempotency_key": "one"})

    assert theirs.id != mine.id
