"""Stripe's test cards, as tokens."""

from typing import Any

import pytest
import stripe

from tests.local_stripe import LocalStripe
from tests.local_stripe_tests.conftest import body_of


def _declined(client: stripe.StripeClient, card: str) -> dict[str, Any]:
    with pytest.raises(stripe.CardError) as error:
        client.v1.payment_intents.create(
            {"amount": 2000, "currency": "usd", "payment_method": card, "confirm": True}
        )
    return body_of(error.value)


@pytest.mark.parametrize(
    ("card", "code", "decline_code", "last4"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline", "0002"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds", "9995"),
        ("pm_card_chargeDeclinedLostCard", "card_declined", "lost_card", "9987"),
        ("pm_card_chargeDeclinedStolenCard", "card_declined", "stolen_card", "9979"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None, "0069"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None, "0127"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", None, "0119"),
        ("pm_card_chargeCustomerFail", "card_declined", "generic_decline", "0341"),
        ("pm_card_declines_pickup_card", "card_declined", "pickup_card", "0341"),
    ],
)
def test_each_declining_card_declines_in_its_way(
    client: stripe.StripeClient, card: str, code: str, decline_code: str | None, last4: str
) -> None:
    error = _declined(client, card)

    assert (error["code"], error.get("decline_code")) == (code, decline_code)
    # Absent, not null: that is how Stripe's own answers look.
    assert ("decline_code" in error) is (decline_code is not None)
    last = error["payment_intent"]["last_payment_error"]
    assert last["payment_method"]["card"]["last4"] == last4
    charge = client.v1.charges.retrieve(error["charge"])
    assert (charge.status, charge.failure_code) == ("failed", code)
    assert charge.outcome is not None
    assert charge.outcome.type == "issuer_declined"


def test_a_card_blocked_by_radar_says_so(client: stripe.StripeClient) -> None:
    error = _declined(client, "pm_card_radarBlock")

    charge = client.v1.charges.retrieve(error["charge"])
    assert charge.outcome is not None
    assert (charge.outcome.type, charge.outcome.reason) == ("blocked", "highest_risk_level")


@pytest.mark.parametrize("card", ["pm_card_visa", "pm_card_mastercard", "pm_card_amex"])
def test_a_good_card_pays(client: stripe.StripeClient, card: str) -> None:
    intent = client.v1.payment_intents.create(
        {"amount": 2000, "currency": "usd", "payment_method": card, "confirm": True}
    )

    assert (intent.status, intent.amount_received) == ("succeeded", 2000)
    assert intent.last_payment_error is None


def test_some_cards_are_refused_already_when_saved_and_others_only_when_charged(
    client: stripe.StripeClient,
) -> None:
    customer = client.v1.customers.create()

    with pytest.raises(stripe.CardError):
        client.v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": customer.id})
    saved = client.v1.payment_methods.attach(
        "pm_card_chargeCustomerFail", {"customer": customer.id}
    )
    listed = client.v1.customers.payment_methods.list(customer.id).data
    assert [method.id for method in listed] == [saved.id]


def test_a_one_time_payment_waits_for_a_present_cardholder_and_declines_an_absent_one(
    client: stripe.StripeClient,
) -> None:
    params: stripe.params.PaymentIntentCreateParams = {
        "amount": 2000,
        "currency": "usd",
        "payment_method": "pm_card_threeDSecure2Required",
        "confirm": True,
    }

    present = client.v1.payment_intents.create(params)
    with pytest.raises(stripe.CardError) as absent:
        client.v1.payment_intents.create({**params, "off_session": True})

    assert (present.status, present.latest_charge) == ("requires_action", None)
    assert absent.value.code == "authentication_required"


def test_a_disputed_card_opens_a_dispute_and_a_refund_refunds(
    client: stripe.StripeClient,
) -> None:
    intent = client.v1.payment_intents.create(
        {
            "amount": 2000,
            "currency": "usd",
            "payment_method": "pm_card_createDispute",
            "confirm": True,
        }
    )
    refund = client.v1.refunds.create({"payment_intent": intent.id, "amount": 500})

    charge = client.v1.charges.retrieve(str(intent.latest_charge))
    assert (charge.disputed, charge.amount_refunded, charge.refunded) == (True, 500, False)
    assert refund.status == "succeeded"
    types = {event.type for event in client.v1.events.list({"limit": 100}).data}
    assert {"charge.dispute.created", "charge.refunded"} <= types


def test_a_failed_payment_can_be_confirmed_with_another_card_and_then_canceled_no_more(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.one_time_fails(with_customer=False, email=None)

    intent = client.v1.payment_intents.confirm(
        ids["payment_intent"], {"payment_method": "pm_card_visa"}
    )

    assert intent.status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.payment_intents.cancel(ids["payment_intent"])
    assert error.value.code == "payment_intent_unexpected_state"
