"""A one-time payment is paid at Checkout instead of the way that failed."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from recovery import checkouts, ingest, settling, stripe_gateway, superseding
from recovery.attempts import Outcome
from recovery.checkouts import NotPayableError
from recovery.mechanisms import AttemptTrigger
from recovery.models import Checkout, Merchant, RecoveryCase, StripeEvent
from recovery.stripe_gateway import StripeGateway
from recovery.superseding import OvertakenError
from tests.builders import receive
from tests.local_stripe import LocalStripe
from tests.recovery.purchases import (
    BACK,
    DECLINED,
    GOOD,
    failed_purchase,
    hear_all,
    intents,
    money_taken,
    sessions,
    set_out,
    standing,
    states,
    type_in,
)
from tests.recovery.stories import (
    asked_for_money,
    charge,
    new_card,
    realm,
    sdk,
    told,
    told_on,
)

pytestmark = pytest.mark.django_db
GUEST = pytest.mark.parametrize("is_guest", [True, False], ids=["a guest", "a customer"])


@pytest.fixture
def case(local_stripe: LocalStripe, merchant: Merchant) -> RecoveryCase:
    return failed_purchase(local_stripe, merchant)


# --- the way that it should go ----------------------------------------------------------------


@GUEST
def test_a_failed_payment_is_paid_at_checkout_and_recovers_its_case(
    local_stripe: LocalStripe, merchant: Merchant, is_guest: bool
) -> None:
    case = failed_purchase(local_stripe, merchant, is_guest=is_guest)

    url = set_out(case, locale="de")

    assert intents(local_stripe) == ["canceled"]
    assert type_in(url, GOOD) == 303
    hear_all(local_stripe, merchant)
    assert standing(case) == ("recovered", "customer_paid", 2500)
    assert states(case) == ["paid"]
    assert RecoveryCase.objects.count() == 1
    assert money_taken(local_stripe) == 2500


@GUEST
def test_the_session_asks_for_just_what_is_owed_and_names_the_case(
    local_stripe: LocalStripe, merchant: Merchant, is_guest: bool
) -> None:
    case = failed_purchase(local_stripe, merchant, is_guest=is_guest, amount=1999, currency="eur")
    asked_at = timezone.now()

    set_out(case, now=asked_at, locale="fr")

    [session] = realm(local_stripe).all("checkout.session")
    named = {"recover_case": case.public_id, "recover_checkout": Checkout.objects.get().public_id}
    assert (session["amount_total"], session["currency"]) == (1999, "eur")
    assert session["metadata"] == session["_intent_data"]["metadata"] == named
    assert session["_intent_data"]["description"] == "Order 1042"
    assert session["_line_items"][0]["description"] == "Order 1042"
    assert (session["success_url"], session["cancel_url"]) == (BACK, BACK)
    assert session["locale"] == "fr"
    assert session["expires_at"] == int((asked_at + timedelta(minutes=35)).timestamp())
    assert case.customer
    payer = (session["customer"], session["customer_email"])
    known = case.customer.stripe_customer_id
    assert payer == ((None, "sam@example.com") if is_guest else (known, None))


def test_what_is_asked_for_is_what_the_merchant_made_of_the_payment_since(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase
) -> None:
    sdk(merchant).payment_intents.update(case.stripe_payment_intent_id, {"amount": 1900})

    set_out(case)

    [session] = realm(local_stripe).all("checkout.session")
    assert session["amount_total"] == 1900
    case.refresh_from_db()
    assert case.amount == 1900


def test_the_failed_payment_is_canceled_once_and_each_page_but_the_last_is_ended(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    for _again in range(3):
        set_out(case)

    asked = [one.operation for one in local_stripe.requests if one.method == "POST"]
    made = "POST /v1/checkout/sessions"
    ended, canceled = f"{made}/{{session}}/expire", "POST /v1/payment_intents/{intent}/cancel"
    assert asked == [made, canceled, ended, made, ended, made]


def test_a_payment_without_a_description_is_called_after_the_product(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    set_out(failed_purchase(local_stripe, merchant, description=None))
    [session] = realm(local_stripe).all("checkout.session")
    assert session["_line_items"][0]["description"] == "Fern Tea Club"


def test_a_customer_who_was_deleted_pays_as_a_guest(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase
) -> None:
    assert case.customer
    sdk(merchant).customers.delete(case.customer.stripe_customer_id)

    assert type_in(set_out(case), GOOD) == 303
    assert [one["customer"] for one in realm(local_stripe).all("checkout.session")] == [None]


def test_a_payment_of_the_merchants_own_checkout_ends_with_its_session(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    theirs = sdk(merchant).checkout.sessions.create(
        {
            "mode": "payment", "success_url": BACK,
            "line_items": [{"quantity": 1, "price_data": {
                "currency": "usd", "unit_amount": 2500, "product_data": {"name": "Mug"}}}],
        }
    )  # fmt: skip
    type_in(theirs.url, DECLINED)
    hear_all(local_stripe, merchant)
    case = RecoveryCase.objects.get()

    url = set_out(case)

    assert sessions(local_stripe) == ["expired", "open"]
    hear_all(local_stripe, merchant)
    assert standing(case) == ("open", "", 0)
    assert type_in(url, GOOD) == 303


# --- what is heard meanwhile ------------------------------------------------------------------


def test_that_the_failed_payment_was_canceled_by_us_voids_nothing(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase
) -> None:
    set_out(case)
    hear_all(local_stripe, merchant)
    settling.settle(case=case, now=timezone.now())
    intent = stripe_gateway.of(merchant).payment_intent(case.stripe_payment_intent_id)
    settling.settle_payment(case=case, intent=intent, now=timezone.now())

    assert intent.status == "canceled"
    assert standing(case) == ("open", "", 0)
    assert ("payment_superseded", told_on(case)[-1][1]) == told_on(case)[-1]


def test_that_the_merchant_canceled_it_voids_the_case_and_nothing_is_paid(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase
) -> None:
    sdk(merchant).payment_intents.cancel(case.stripe_payment_intent_id)

    with pytest.raises(NotPayableError):
        set_out(case)

    assert standing(case) == ("voided", "payment_canceled", 0)
    assert sessions(local_stripe) == []


def test_a_card_that_is_declined_at_checkout_is_one_more_attempt_on_the_case(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase
) -> None:
    url = set_out(case)

    assert type_in(url, DECLINED) == 402
    hear_all(local_stripe, merchant)

    assert RecoveryCase.objects.count() == 1
    assert case.attempts.count() == 2
    assert standing(case) == ("open", "", 0)
    assert type_in(url, GOOD) == 303
    hear_all(local_stripe, merchant)
    assert standing(case) == ("recovered", "customer_paid", 2500)


def test_a_session_that_expires_after_a_decline_voids_nothing(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase
) -> None:
    type_in(set_out(case), DECLINED)
    hear_all(local_stripe, merchant)
    sdk(merchant).checkout.sessions.expire(Checkout.objects.get().session_id)

    hear_all(local_stripe, merchant)
    settling.settle(case=case, now=timezone.now())

    assert intents(local_stripe) == ["canceled", "canceled"]
    assert standing(case) == ("open", "", 0)


def test_a_refund_of_what_was_paid_at_checkout_finds_the_case(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase
) -> None:
    type_in(set_out(case), GOOD)
    paid = realm(local_stripe).all("payment_intent")[-1]["id"]
    sdk(merchant).refunds.create({"payment_intent": paid, "amount": 500})
    receive(*told(local_stripe, "charge.refunded"), merchant=merchant)  # heard of first
    assert standing(case) == ("open", "", 0)

    hear_all(local_stripe, merchant)

    case.refresh_from_db()
    assert (case.status, case.amount_recovered, case.amount_refunded) == ("recovered", 2500, 500)


def test_who_pays_at_checkout_within_the_settling_delay_was_not_still_typing(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase
) -> None:
    assert case.settles_at
    assert timezone.now() < case.settles_at

    type_in(set_out(case), GOOD)
    hear_all(local_stripe, merchant)

    assert standing(case) == ("recovered", "customer_paid", 2500)


def test_a_worker_that_died_while_it_learned_of_the_payment_tells_the_rest_later(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase
) -> None:
    type_in(set_out(case), GOOD)
    paid = realm(local_stripe).all("payment_intent")[-1]["id"]
    sdk(merchant).refunds.create({"payment_intent": paid, "amount": 500})
    receive(*told(local_stripe, "charge.refunded"), merchant=merchant)
    checkouts.learn_payment(Checkout.objects.get(), paid)  # and then it died

    receive(*told(local_stripe, "payment_intent.succeeded"), merchant=merchant)
    event = StripeEvent.objects.get(type="payment_intent.succeeded")
    event.tries = 2
    ingest.process(event, now=timezone.now())

    case.refresh_from_db()
    assert (case.amount_recovered, case.amount_refunded) == (2500, 500)


def test_another_payment_with_a_copy_of_the_metadata_is_a_payment_of_its_own(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase
) -> None:
    type_in(set_out(case), GOOD)
    hear_all(local_stripe, merchant)
    [failed] = told(local_stripe, "payment_intent.payment_failed")
    copy: dict[str, Any] = failed["data"]["object"]
    copy |= {
        "id": "pi_copy",
        "metadata": realm(local_stripe).all("payment_intent")[-1]["metadata"],
    }
    copy["last_payment_error"]["charge"] = "ch_copy"

    receive(failed | {"id": "evt_copy"}, merchant=merchant)

    assert RecoveryCase.objects.count() == 2


# --- nobody charges what was given up ---------------------------------------------------------


def test_the_payment_that_was_given_up_is_never_confirmed_again(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    set_out(case)
    method = new_card(local_stripe, case)
    local_stripe.requests.clear()

    for trigger in (AttemptTrigger.CUSTOMER, AttemptTrigger.OPERATOR):
        result = charge(case, method, trigger=trigger)
        assert (result.outcome, result.rule) == (
            Outcome.REFUSED, "it is paid at Stripe's Checkout or not at all",
        )  # fmt: skip

    assert asked_for_money(local_stripe) == []
    refused = case.timeline.filter(kind="attempt_refused")
    assert {entry.source for entry in refused} == {"docs/adr/0009"}


def test_a_click_that_a_later_one_overtakes_leads_nowhere(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    cancel = superseding._cancel_failed_payment
    later: list[str] = []

    def meanwhile(checkout: Checkout, gateway: StripeGateway, *, now: datetime) -> None:
        if not later:
            later.append("on its way")
            later.append(set_out(case))
        cancel(checkout, gateway, now=now)

    monkeypatch.setattr(superseding, "_cancel_failed_payment", meanwhile)
    with pytest.raises(OvertakenError):
        set_out(case)

    assert sessions(local_stripe).count("open") == 1
    assert type_in(later[1], GOOD) == 303
    hear_all(local_stripe, merchant)
    assert standing(case) == ("recovered", "customer_paid", 2500)
    assert money_taken(local_stripe) == 2500
