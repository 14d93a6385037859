"""The shape of answers in the API version that was asked for."""

import pytest
import stripe

from tests.local_stripe import LocalStripe
from tests.local_stripe_tests.conftest import KEY, MakeClient

OLD = "2024-06-20"


def test_an_old_version_gets_the_old_invoice(
    local_stripe: LocalStripe, make_client: MakeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails()

    invoice = make_client(version=OLD).v1.invoices.retrieve(ids["invoice"]).to_dict()

    assert invoice["subscription"] == ids["subscription"]
    assert invoice["payment_intent"] == ids["payment_intent"]
    assert invoice["charge"].startswith("ch_")
    assert (invoice["paid"], invoice["paid_out_of_band"]) == (False, False)
    assert "parent" not in invoice
    line = invoice["lines"]["data"][0]
    assert line["price"]["unit_amount"] == 4900
    assert line["subscription"] == ids["subscription"]


def test_an_old_version_can_expand_what_is_gone_since(
    local_stripe: LocalStripe, make_client: MakeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails()

    invoice = make_client(version=OLD).v1.invoices.retrieve(
        ids["invoice"], {"expand": ["payment_intent"]}
    )

    assert invoice["payment_intent"]["invoice"] == ids["invoice"]


def test_old_and_new_subscriptions_keep_their_period_in_different_places(
    local_stripe: LocalStripe, make_client: MakeClient, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.subscriber()

    old = make_client(version=OLD).v1.subscriptions.retrieve(ids["subscription"]).to_dict()
    new = client.v1.subscriptions.retrieve(ids["subscription"]).to_dict()

    end = new["items"]["data"][0]["current_period_end"]
    assert old["current_period_end"] == end
    assert "current_period_end" not in new
    assert "current_period_end" not in old["items"]["data"][0]


@pytest.mark.parametrize(
    ("version", "has_invoice", "has_details"),
    [(OLD, True, False), ("2025-06-30.basil", False, False), ("2025-11-17.clover", False, True)],
)
def test_a_payment_intent_names_its_invoice_in_three_ways(
    local_stripe: LocalStripe,
    make_client: MakeClient,
    version: str,
    has_invoice: bool,
    has_details: bool,
) -> None:
    ids = local_stripe.scenarios.renewal_fails()

    intent = make_client(version=version).v1.payment_intents.retrieve(ids["payment_intent"])

    assert ("invoice" in intent) is has_invoice
    assert ("payment_details" in intent) is has_details


def test_listed_events_are_in_the_accounts_version_whatever_the_request_says(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    local_stripe.world.account_of(KEY).api_version = OLD
    ids = local_stripe.scenarios.renewal_fails()

    event = client.v1.events.list({"type": "invoice.payment_failed"}).data[0].to_dict()

    assert event["api_version"] == OLD
    assert event["data"]["object"]["payment_intent"] == ids["payment_intent"]


def test_a_parameter_that_endive_removed_is_refused_in_endive_only(
    client: stripe.StripeClient, make_client: MakeClient
) -> None:
    params = {"amount": 100, "currency": "usd", "payment_method_types": ["card"]}

    make_client(version="2026-08-26.dahlia").v1.payment_intents.create(params)  # type: ignore[arg-type]
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.payment_intents.create(params)  # type: ignore[arg-type]
    assert error.value.code == "parameter_unknown"


def test_nonsense_is_no_version(make_client: MakeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Invalid Stripe API version"):
        make_client(version="yesterday").v1.customers.list()
