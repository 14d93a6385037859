"""Asking Stripe for money: claim, ask, record, and at most one charge whatever goes wrong."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from recovery import attempts, stripe_gateway
from recovery.attempts import ChargeResult, Outcome
from recovery.mechanisms import AttemptTrigger
from recovery.models import Merchant, PaymentAttempt
from recovery.stripe_errors import StripeUnavailableError
from tests.builders import receive
from tests.local_stripe import LocalStripe
from tests.recovery.stories import (
    asked_for_money,
    charge,
    failed_payment,
    failed_renewal,
    new_card,
    ours,
    realm,
    stripe_is_down,
    told,
    told_on,
)
from tests.recovery.test_malformed_answers import answering

pytestmark = pytest.mark.django_db
LATER = timedelta(minutes=3)  # when a claim is surely nobody's any more


# --- claim, ask, record -----------------------------------------------------------------------


def test_a_new_card_pays_the_invoice_and_the_case_is_recovered_at_once(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)

    result = charge(case, new_card(local_stripe, case))

    assert result == ChargeResult(Outcome.PAID)
    case.refresh_from_db()
    assert (case.status, case.amount_recovered, case.mechanism) == (
        "recovered", 4900, "card_update",
    )  # fmt: skip
    assert (ours(case).state, ours(case).amount, ours(case).currency) == ("succeeded", 4900, "usd")
    assert ("attempt_succeeded", "The payment went through.") in told_on(case)


def test_a_charge_carries_the_attempts_own_key_and_says_whether_the_customer_is_there(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)

    charge(case, new_card(local_stripe, case), is_customer_present=False)

    [asked] = [one for one in local_stripe.requests if one.path.endswith("/pay")]
    assert asked.headers["idempotency-key"] == ours(case).key
    assert asked.params["off_session"] == "true"


def test_a_second_call_tells_that_the_case_is_paid_and_asks_for_nothing(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)
    charge(case, method)

    assert charge(case, method) == ChargeResult(Outcome.ALREADY_PAID)
    assert asked_for_money(local_stripe) == [200]


def test_a_one_time_payment_is_confirmed_with_the_new_card(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_payment(local_stripe, merchant)
    local_stripe.clock.advance(hours=1)
    after_settling = timezone.now() + timedelta(hours=1)

    result = charge(case, new_card(local_stripe, case), now=after_settling)

    assert result == ChargeResult(Outcome.PAID)
    case.refresh_from_db()
    assert (case.status, case.amount_recovered, case.mechanism) == (
        "recovered", 2500, "card_update",
    )  # fmt: skip


def test_a_payment_that_went_through_stands_even_if_stripe_cannot_tell_the_details(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)
    local_stripe.faults.add("reset", method="GET", path="/v1/invoice*", times=9)

    assert charge(case, method) == ChargeResult(Outcome.PAID)

    case.refresh_from_db()
    assert (case.status, ours(case).state) == ("open", "succeeded")
    assert charge(case, method) == ChargeResult(Outcome.PAID)
    assert asked_for_money(local_stripe) == [200]
    local_stripe.faults.clear()
    receive(*told(local_stripe, "invoice.paid"))
    case.refresh_from_db()
    assert (case.status, case.mechanism) == ("recovered", "card_update")


# --- declined ---------------------------------------------------------------------------------


def test_a_decline_is_taken_from_the_402_and_shown_on_the_case(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant, reason="expired_card")
    method = new_card(local_stripe, case)
    local_stripe.faults.add(
        "decline", path="*/pay", reason="insufficient_funds", advice_code="try_again_later",
        network_decline_code="51",
    )  # fmt: skip

    result = charge(case, method)

    assert result == ChargeResult(Outcome.DECLINED)
    kept = ours(case)
    assert (kept.state, kept.decline_code, kept.advice_code, kept.network_decline_code) == (
        "failed", "insufficient_funds", "try_again_later", "51",
    )  # fmt: skip
    assert (kept.card_last4, kept.decline_type) == ("4242", "soft")
    assert kept.stripe_charge_id.startswith("ch_")
    case.refresh_from_db()
    assert (case.status, case.decline_code, case.card_last4, case.payment_method_id) == (
        "open", "insufficient_funds", "4242", method,
    )  # fmt: skip
    assert told_on(case)[-1] == (
        "attempt_failed", "The new charge was declined: insufficient_funds.",
    )  # fmt: skip


def test_a_declined_card_is_not_asked_again_by_the_same_trigger(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case, "pm_card_declines_insufficient_funds")
    charge(case, method)

    assert charge(case, method, now=timezone.now() + LATER) == ChargeResult(Outcome.DECLINED)
    assert asked_for_money(local_stripe) == [402]


def test_a_one_time_payment_can_be_declined_again(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_payment(local_stripe, merchant)
    method = new_card(local_stripe, case, "pm_card_declines_do_not_honor")

    assert charge(case, method) == ChargeResult(Outcome.DECLINED)
    assert (ours(case).decline_code, ours(case).state) == ("do_not_honor", "failed")


def test_the_webhook_of_the_very_charge_may_arrive_first_or_last_and_makes_no_second_attempt(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    known = len(told(local_stripe, "payment_intent.payment_failed"))
    method = new_card(local_stripe, case, "pm_card_declines_do_not_honor")
    # Our clock is minutes ahead of Stripe's, so that nothing is matched by its time alone.
    ahead = timezone.now() + timedelta(minutes=10)
    gateway = stripe_gateway.of(merchant)
    claimed = attempts._claim(
        attempts._Asked(case, method, AttemptTrigger.CUSTOMER, is_customer_present=True, step=""),
        gateway.payment_method(method), now=ahead,
    )  # fmt: skip
    assert isinstance(claimed, PaymentAttempt)
    local_stripe.faults.add("lost_response", path="*/pay", times=3)
    with pytest.raises(StripeUnavailableError):
        attempts._ask(gateway, case, claimed)
    local_stripe.faults.clear()
    webhook = told(local_stripe, "payment_intent.payment_failed")[known:]
    receive(*webhook)
    assert case.attempts.count() == 3  # Stripe's, the claim, and the charge that the webhook told

    assert charge(case, method, now=ahead + LATER) == ChargeResult(Outcome.DECLINED)
    receive(*told(local_stripe, "invoice.payment_failed"))

    assert case.attempts.count() == 2
    assert (ours(case).state, ours(case).decline_code) == ("failed", "do_not_honor")


def test_the_webhook_tells_what_became_of_a_claim_whose_answer_was_lost(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    known = len(told(local_stripe, "payment_intent.payment_failed"))
    method = new_card(local_stripe, case, "pm_card_declines_do_not_honor")
    local_stripe.faults.add("lost_response", path="*/pay", times=3)
    now = timezone.now() + timedelta(minutes=2)
    local_stripe.clock.advance(minutes=2)
    assert charge(case, method, now=now) == ChargeResult(Outcome.UNAVAILABLE)

    receive(*told(local_stripe, "payment_intent.payment_failed")[known:])

    assert (ours(case).state, ours(case).decline_code) == ("failed", "do_not_honor")
    assert case.attempts.count() == 2
    assert charge(case, method, now=now + LATER) == ChargeResult(Outcome.DECLINED)


# --- authentication ---------------------------------------------------------------------------


def test_a_bank_that_asks_for_the_cardholder_is_no_decline(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case, "pm_card_threeDSecure2Required")

    assert charge(case, method) == ChargeResult(Outcome.NEEDS_AUTHENTICATION)
    assert charge(case, method) == ChargeResult(Outcome.NEEDS_AUTHENTICATION)

    case.refresh_from_db()
    assert (case.status, ours(case).state) == ("open", "requires_action")
    assert asked_for_money(local_stripe) == [402]


def test_a_one_time_payment_that_waits_for_the_cardholder_needs_authentication(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_payment(local_stripe, merchant)
    method = new_card(local_stripe, case, "pm_card_threeDSecure2Required")

    assert charge(case, method) == ChargeResult(Outcome.NEEDS_AUTHENTICATION)
    assert ours(case).state == "requires_action"


# --- Stripe goes away -------------------------------------------------------------------------


def test_a_claim_is_kept_while_stripe_is_unavailable_and_asked_again_when_it_has_run_out(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)
    now = timezone.now()

    with stripe_is_down(local_stripe, "*/pay"):
        assert charge(case, method, now=now) == ChargeResult(Outcome.UNAVAILABLE)
    assert ours(case).state == "claimed"
    assert charge(case, method, now=now + timedelta(seconds=30)) == ChargeResult(Outcome.PENDING)
    assert charge(case, method, now=now + LATER) == ChargeResult(Outcome.PAID)

    case.refresh_from_db()
    assert (case.status, ours(case).state) == ("recovered", "succeeded")


def test_a_charge_whose_answer_was_lost_is_asked_for_again_and_made_once(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)
    local_stripe.faults.add("lost_response", path="*/pay", times=3)
    now = timezone.now()
    assert charge(case, method, now=now) == ChargeResult(Outcome.UNAVAILABLE)
    assert ours(case).state == "claimed"

    assert charge(case, method, now=now + LATER) == ChargeResult(Outcome.PAID)

    charges = [one for one in realm(local_stripe).all("charge") if one["payment_method"] == method]
    assert [one["status"] for one in charges] == ["succeeded"]
    assert [one.is_replayed for one in local_stripe.requests if one.path.endswith("/pay")] == [
        False, True, True, True,
    ]  # fmt: skip


def test_a_claim_is_asked_for_again_as_it_was_first_though_the_customer_has_left(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)
    local_stripe.faults.add("lost_response", path="*/pay", times=3)
    now = timezone.now()
    charge(case, method, is_customer_present=True, now=now)

    result = charge(case, method, is_customer_present=False, now=now + LATER)

    assert result == ChargeResult(Outcome.PAID)
    assert case.attempts.filter(trigger=AttemptTrigger.CUSTOMER).count() == 1


def test_a_bank_that_takes_days_leaves_the_attempt_pending_until_an_event_tells(
    local_stripe: LocalStripe, merchant: Merchant, settings: Settings
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)
    invoice = {"id": case.stripe_invoice_id, "object": "invoice", "status": "open"}

    with answering(settings, 200, json.dumps(invoice).encode()):
        assert charge(case, method) == ChargeResult(Outcome.PENDING)

    assert ours(case).state == "pending"
    case.refresh_from_db()
    assert case.status == "open"
