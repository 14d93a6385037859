"""Parameters, lists and errors as Stripe has them."""

import pytest
import stripe

from tests.local_stripe import LocalStripe, forms
from tests.local_stripe_tests.conftest import KEY, headers_of


def test_nested_forms_decode_as_stripe_nests_them() -> None:
    encoded = "a[b][0]=c&a[b][1]=d&expand[]=x&expand[]=y&items[0][price]=p&empty="

    assert forms.decode(encoded) == {
        "a": {"b": ["c", "d"]},
        "expand": ["x", "y"],
        "items": [{"price": "p"}],
        "empty": "",
    }


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"nonsense": "1"}, "parameter_unknown", "nonsense"),
        ({"invoice_settings": {"no": "1"}}, "parameter_unknown", "invoice_settings[no]"),
        ({"balance": "abc"}, "parameter_invalid_integer", "balance"),
        ({"tax_exempt": "perhaps"}, None, "tax_exempt"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(
    client: stripe.StripeClient, params: dict[str, object], code: str | None, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.customers.create(params)  # type: ignore[arg-type]

    assert (error.value.http_status, error.value.code) == (400, code)
    assert error.value.param == param
    assert client.v1.customers.list().data == []


def test_a_missing_parameter_is_refused_by_name(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Missing required param: currency"):
        client.v1.payment_intents.create({"amount": 100})  # type: ignore[typeddict-item]


def test_a_missing_object_is_404_and_a_missing_reference_400(
    client: stripe.StripeClient,
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as by_path:
        client.v1.customers.retrieve("cus_none")
    with pytest.raises(stripe.InvalidRequestError) as by_param:
        client.v1.invoice_items.create({"customer": "cus_none", "amount": 1})

    assert (by_path.value.http_status, by_path.value.code) == (404, "resource_missing")
    assert (by_param.value.http_status, by_param.value.code) == (400, "resource_missing")
    assert by_param.value.param == "customer"
    assert by_path.value.user_message == "No such customer: 'cus_none'"


def test_an_unknown_url_is_404(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        client.v1.coupons.list()


def test_lists_come_newest_first_a_page_at_a_time(client: stripe.StripeClient) -> None:
    made = [client.v1.customers.create({"name": str(number)}).id for number in range(7)]

    first = client.v1.customers.list({"limit": 3})
    assert [customer.id for customer in first.data] == made[:3:-1]
    assert first.has_more is True
    everyone = [one.id for one in client.v1.customers.list({"limit": 3}).auto_paging_iter()]
    assert everyone == made[::-1]
    before = client.v1.customers.list({"limit": 3, "ending_before": made[0]})
    assert [one.id for one in before.data] == [made[3], made[2], made[1]]


def test_events_after_a_known_one_page_in_the_order_they_happened(
    client: stripe.StripeClient,
) -> None:
    for _ in range(5):
        client.v1.customers.create()
    oldest = client.v1.events.list({"limit": 100}).data[-1].id

    later = client.v1.events.list({"ending_before": oldest, "limit": 2}).auto_paging_iter()

    created = [event.id for event in later]
    listed = [event.id for event in client.v1.events.list({"limit": 100}).data]
    assert created == listed[-2::-1]


def test_metadata_is_merged_and_emptied_key_by_key(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({"metadata": {"a": "1", "b": "2"}})

    merged = client.v1.customers.update(customer.id, {"metadata": {"a": "", "c": "3"}})

    assert merged.metadata is not None
    assert merged.metadata.to_dict() == {"b": "2", "c": "3"}


def test_a_deleted_customer_is_a_stub_and_their_subscriptions_end(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.subscriber()

    client.v1.customers.delete(ids["customer"])

    stub = client.v1.customers.retrieve(ids["customer"])
    assert stub.to_dict() == {"id": ids["customer"], "object": "customer", "deleted": True}
    assert client.v1.subscriptions.retrieve(ids["subscription"]).status == "canceled"


def test_every_answer_carries_a_request_id_and_its_version(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    customer = client.v1.customers.create()

    headers = headers_of(customer)
    assert headers["Request-Id"].startswith("req_")
    assert headers["Stripe-Version"] == "2026-10-28.endive"
    logged = local_stripe.requests[-1]
    assert (logged.request_id, logged.account) == (
        headers["Request-Id"],
        local_stripe.world.account_of(KEY).id,
    )


def test_what_cannot_be_expanded_is_refused(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create()

    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.customers.retrieve(customer.id, {"expand": ["nonsense"]})
