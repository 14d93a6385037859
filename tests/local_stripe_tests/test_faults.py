"""Trouble on demand."""

import time
from typing import Any

import pytest
import stripe

from tests.local_stripe import LocalStripe
from tests.local_stripe_tests.conftest import MakeClient


def test_a_reset_does_nothing_and_breaks_the_connection(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    local_stripe.faults.add("reset", method="POST", path="/v1/customers")

    with pytest.raises(stripe.APIConnectionError):
        client.v1.customers.create()
    assert client.v1.customers.list().data == []


def test_a_lost_response_has_done_it(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    local_stripe.faults.add("lost_response", method="POST")

    with pytest.raises(stripe.APIConnectionError):
        client.v1.customers.create({"name": "Jane"}, {"idempotency_key": "one"})

    made = client.v1.customers.list().data
    again = client.v1.customers.create({"name": "Jane"}, {"idempotency_key": "one"})
    assert [customer.id for customer in made] == [again.id]


def test_a_held_response_runs_into_the_clients_timeout(local_stripe: LocalStripe) -> None:
    impatient = stripe.StripeClient(
        "sk_test_x1",
        base_addresses={"api": local_stripe.url},
        http_client=stripe.RequestsClient(timeout=0.2),
    )
    local_stripe.faults.add("timeout", seconds=30)
    began = time.monotonic()

    with pytest.raises(stripe.APIConnectionError):
        impatient.v1.customers.list()
    assert time.monotonic() - began < 5


def test_a_rate_limit_is_not_retried_by_the_sdk(
    local_stripe: LocalStripe, make_client: MakeClient
) -> None:
    local_stripe.faults.add("429")

    with pytest.raises(stripe.RateLimitError):
        make_client(retries=2).v1.customers.list()
    assert len(local_stripe.requests) == 1


@pytest.mark.parametrize(
    ("kind", "details"), [("lock_timeout", {}), ("409", {}), ("500", {"is_remembered": False})]
)
def test_a_retrying_sdk_gets_through_what_passes(
    local_stripe: LocalStripe, make_client: MakeClient, kind: str, details: dict[str, Any]
) -> None:
    local_stripe.faults.add(kind, method="POST", **details)

    assert make_client(retries=1).v1.customers.create({"name": "Jane"}).name == "Jane"
    assert len(local_stripe.requests) == 2


def test_a_forced_decline_meets_a_good_card(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails()
    local_stripe.scenarios.set_outcome(payment_method=ids["payment_method"])
    local_stripe.faults.add(
        "decline", path="/v1/invoices/*/pay", reason="do_not_honor", network_decline_code="05"
    )

    with pytest.raises(stripe.CardError) as error:
        client.v1.invoices.pay(ids["invoice"])
    assert error.value.error is not None
    assert error.value.error.decline_code == "do_not_honor"
    assert client.v1.invoices.pay(ids["invoice"]).status == "paid"


def test_a_forced_authentication_waits_for_the_cardholder(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails()
    local_stripe.faults.add("3ds", path="/v1/invoices/*/pay")

    with pytest.raises(stripe.CardError) as error:
        client.v1.invoices.pay(ids["invoice"], {"off_session": False})
    assert error.value.code == "invoice_payment_intent_requires_action"
    intent = client.v1.payment_intents.retrieve(ids["payment_intent"])
    assert intent.status == "requires_action"


def test_faults_are_met_as_often_as_asked_and_where_asked(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    local_stripe.faults.add("500", path="/v1/invoices*", times=2)

    client.v1.customers.list()
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            client.v1.invoices.list()
    client.v1.invoices.list()
    assert local_stripe.faults.waiting() == []
