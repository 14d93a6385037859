"""Retries that Recover makes by itself: a step charges once, and the rules are asked each time."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from recovery import attempts, cases
from recovery.attempts import ChargeResult, Outcome
from recovery.charge_facts import RetryDriver
from recovery.mechanisms import AttemptTrigger
from recovery.models import Merchant, OperatorTask, PaymentAttempt, RecoveryCase
from recovery.state_machine import Trigger
from tests.local_stripe import LocalStripe
from tests.recovery.stories import (
    KEY,
    asked_for_money,
    charge,
    failed_payment,
    failed_renewal,
    new_card,
    stripe_is_down,
)

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def taken_over(
    local_stripe: LocalStripe, merchant: Merchant, reason: str = "insufficient_funds"
) -> RecoveryCase:
    """A failed renewal whose retries are Recover's."""
    case = failed_renewal(local_stripe, merchant, reason)
    RecoveryCase.objects.update(retry_driver=RetryDriver.RECOVER, next_payment_attempt_at=None)
    case.refresh_from_db()
    return case


def retry(case: RecoveryCase, step: str = "1.1", **facts: Any) -> ChargeResult:
    told: dict[str, Any] = {
        "case": case, "payment_method_id": case.payment_method_id, "step": step,
        "trigger": AttemptTrigger.RECOVER, "is_customer_present": False, "now": timezone.now(),
    }  # fmt: skip
    return attempts.charge(**told | facts)


def made(case: RecoveryCase) -> list[PaymentAttempt]:
    return list(case.attempts.filter(trigger="recover").order_by("attempted_at"))


# --- a step charges once ----------------------------------------------------------------------


def test_each_step_of_a_campaign_charges_once_under_a_key_of_its_own(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = taken_over(local_stripe, merchant)
    now = timezone.now()
    results = [
        retry(case, step, now=now + days * DAY)
        for step, days in (("7.1", 1), ("7.1", 2), ("7.2", 3), ("7.2", 4))
    ]

    assert {result.outcome for result in results} == {Outcome.DECLINED}
    assert asked_for_money(local_stripe) == [402, 402]
    method = case.payment_method_id
    assert [one.key for one in made(case)] == [
        f"{case.public_id}:recover:7.1:{method}", f"{case.public_id}:recover:7.2:{method}",
    ]  # fmt: skip
    asked = [one for one in local_stripe.requests if one.path.endswith("/pay")]
    assert [one.headers["idempotency-key"] for one in asked] == [one.key for one in made(case)]


def test_a_retry_that_goes_through_recovers_the_case_and_is_counted_as_recovers_own(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = taken_over(local_stripe, merchant)
    local_stripe.scenarios.set_outcome(payment_method=case.payment_method_id)

    assert retry(case, now=timezone.now() + DAY) == ChargeResult(Outcome.PAID)

    case.refresh_from_db()
    assert (case.status, case.mechanism) == ("recovered", "recover_retry")


def test_an_attempt_keeps_what_its_card_was_then(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = taken_over(local_stripe, merchant)
    retry(case, now=timezone.now() + DAY)

    for attempt in case.attempts.all():
        assert (attempt.card_brand, attempt.card_last4) == ("visa", "0341")
        assert (attempt.card_expiry, attempt.card_country) == ("2034-12", "US")
        assert len(attempt.fingerprint) == 16
    assert case.attempts.count() == 2


def test_a_claim_knows_its_card_before_stripe_has_answered(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = taken_over(local_stripe, merchant)

    with stripe_is_down(local_stripe, "*/pay"):
        assert retry(case, now=timezone.now() + DAY).outcome == Outcome.UNAVAILABLE

    [claimed] = made(case)
    assert (claimed.state, claimed.card_expiry, claimed.card_brand) == (
        "claimed", "2034-12", "visa",
    )  # fmt: skip


# --- who drives -------------------------------------------------------------------------------


def test_where_stripe_drives_no_step_charges_and_the_timeline_says_why(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)

    result = retry(case)

    assert result == ChargeResult(Outcome.REFUSED, "Stripe drives the retries")
    assert asked_for_money(local_stripe) == []
    assert made(case) == []
    told = case.timeline.get(kind="attempt_refused")
    assert told.source == "the merchant's campaign; architecture, charging rules"
    assert (told.facts["driver"], told.facts["attempts_of_card"], told.facts["brand"]) == (
        "stripe", 1, "visa",
    )  # fmt: skip
    assert told.facts["last_decline"]["decline_code"] == "insufficient_funds"
    assert told.facts["verdict"] == {
        "rule": told.rule, "source": told.source, "needs_person": False,
    }  # fmt: skip
    # It would have had to wait besides, as the bank's advice says.
    [other] = told.facts["alternatives"]
    assert other["rule"] == "advice_code try_again_later"


def test_a_hand_over_that_stripe_has_not_confirmed_is_none(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    RecoveryCase.objects.update(retry_driver=RetryDriver.RECOVER)
    case.refresh_from_db()
    assert case.next_payment_attempt_at is not None

    result = retry(case)

    assert result == ChargeResult(Outcome.REFUSED, "Stripe's retries are not off yet")
    assert asked_for_money(local_stripe) == []


def test_a_case_that_was_given_up_is_not_retried(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = taken_over(local_stripe, merchant)
    now = timezone.now() + DAY
    cases.advance(case=case, trigger=Trigger.CAMPAIGN_ENDED, at=now, now=now, once="end")

    assert retry(case, now=now) == ChargeResult(Outcome.REFUSED, "the case is lost")
    assert asked_for_money(local_stripe) == []


# --- not yet, and no more ---------------------------------------------------------------------


def test_a_charge_that_has_to_wait_says_until_when_and_is_made_then(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = taken_over(local_stripe, merchant)
    failed_at = case.attempts.get().attempted_at

    early = retry(case, now=failed_at + HOUR - timedelta(seconds=1))

    assert early == ChargeResult(Outcome.NOT_YET, "advice_code try_again_later", failed_at + HOUR)
    assert made(case) == []
    told = case.timeline.get(kind="attempt_refused")
    assert told.summary == (
        f"Not charged before {failed_at + HOUR:%Y-%m-%d %H:%M} UTC: advice_code try_again_later."
    )
    assert told.facts["verdict"]["from_at"] == (failed_at + HOUR).isoformat()
    assert early.from_at
    assert retry(case, now=early.from_at) == ChargeResult(Outcome.DECLINED)


def test_an_unknown_code_is_tried_twice_and_then_left_to_a_person(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = taken_over(local_stripe, merchant, "never_heard_of")
    now = timezone.now()
    assert retry(case, "1.1", now=now + 2 * DAY) == ChargeResult(Outcome.DECLINED)

    last = [retry(case, step, now=now + 4 * DAY) for step in ("1.2", "1.3")]

    rule = "an unknown code gets two attempts, then a person"
    assert last == [ChargeResult(Outcome.REFUSED, rule, needs_person=True)] * 2
    assert asked_for_money(local_stripe) == [402]
    task = OperatorTask.objects.get()
    assert (task.kind, task.summary, task.case) == (
        "charge_refused", f"Not charged: {rule}.", case,
    )  # fmt: skip


def test_a_budget_counts_what_was_tried_for_other_debts_and_by_others(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = taken_over(local_stripe, merchant)
    other = debt_of_somebody_else(merchant)
    first = case.attempts.get()
    now = timezone.now() + DAY
    for number in range(14):
        PaymentAttempt.objects.create(
            merchant=merchant, case=other, trigger="stripe", state="succeeded", key=f"k{number}",
            payment_method_id="pm_elsewhere", fingerprint=first.fingerprint, card_brand="visa",
            amount=4900, currency="usd", attempted_at=now - number * HOUR, resolved_at=now,
        )  # fmt: skip

    result = retry(case, now=now)

    assert result == ChargeResult(
        Outcome.NOT_YET, "Visa: 15 attempts in 30 days for a card and an amount",
        first.attempted_at + 30 * DAY,
    )  # fmt: skip
    assert asked_for_money(local_stripe) == []


def debt_of_somebody_else(merchant: Merchant) -> RecoveryCase:
    return RecoveryCase.objects.create(
        merchant=merchant, livemode=False, stripe_payment_intent_id="pi_elsewhere", amount=4900,
        currency="usd", decline_type="soft", failed_at=timezone.now(), opened_at=timezone.now(),
        known_at=timezone.now(),
    )  # fmt: skip


def test_what_stripe_refused_before_a_bank_was_asked_is_no_attempt(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = taken_over(local_stripe, merchant)
    PaymentAttempt.objects.create(
        merchant=merchant, case=case, trigger="recover", state="failed", key="refused",
        payment_method_id=case.payment_method_id, error="No such invoice", amount=4900,
        currency="usd", attempted_at=timezone.now(), resolved_at=timezone.now(),
    )  # fmt: skip

    result = retry(case, now=timezone.now() + DAY)

    assert result == ChargeResult(Outcome.DECLINED)


def test_a_guests_card_is_known_by_its_own_debt(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_payment(local_stripe, merchant, "stolen_card")
    RecoveryCase.objects.update(retry_driver=RetryDriver.RECOVER, customer=None)
    case.attempts.update(fingerprint="")
    case.refresh_from_db()

    result = retry(case, now=timezone.now() + DAY)

    assert result.outcome == Outcome.REFUSED
    assert result.rule == "advice_code do_not_try_again"


# --- what cannot be known ---------------------------------------------------------------------


def test_while_stripe_cannot_be_asked_for_the_card_nothing_is_claimed(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = taken_over(local_stripe, merchant)

    with stripe_is_down(local_stripe):
        assert retry(case, now=timezone.now() + DAY) == ChargeResult(Outcome.UNAVAILABLE)

    assert made(case) == []
    assert asked_for_money(local_stripe) == []


def test_what_became_of_a_declined_step_is_known_without_stripe(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = taken_over(local_stripe, merchant)
    now = timezone.now() + DAY
    retry(case, now=now)

    with stripe_is_down(local_stripe):
        assert retry(case, now=now) == ChargeResult(Outcome.DECLINED)


def test_a_key_that_may_not_look_at_cards_charges_none(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)
    local_stripe.world.restrict(KEY, missing={"rak_payment_method_read"})

    result = charge(case, method)

    why = "The Stripe key lacks the permission rak_payment_method_read."
    assert result == ChargeResult(Outcome.REFUSED, why)
    assert asked_for_money(local_stripe) == []
    assert case.timeline.get(kind="attempt_refused").summary == f"Not charged: {why}"


def test_an_operator_asks_as_a_person_would_and_still_not_against_a_rule(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    soft = failed_renewal(local_stripe, merchant, "do_not_honor")
    hard = failed_renewal(local_stripe, merchant, "lost_card")
    RecoveryCase.objects.update(next_payment_attempt_at=None)
    later = timezone.now() + HOUR
    by = {"trigger": AttemptTrigger.OPERATOR, "is_customer_present": False, "now": later}

    assert charge(soft, soft.payment_method_id, **by) == ChargeResult(Outcome.DECLINED)
    assert charge(hard, hard.payment_method_id, **by).outcome == Outcome.REFUSED
