"""Claims whose answer was lost: asked again, looked up or shown to a person, never guessed."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from recovery.attempts import ChargeResult, Outcome
from recovery.models import Merchant, OperatorTask, PaymentAttempt, RecoveryCase
from tests.local_stripe import LocalStripe
from tests.recovery.stories import (
    KEY,
    asked_for_money,
    charge,
    failed_payment,
    new_card,
    realm,
    stripe_is_down,
)
from tests.recovery.test_retries import DAY, HOUR, made, retry, taken_over

pytestmark = pytest.mark.django_db


def test_a_forgotten_claim_is_not_settled_by_not_reaching_stripe(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = taken_over(local_stripe, merchant)
    now = timezone.now() + DAY
    with stripe_is_down(local_stripe):
        PaymentAttempt.objects.create(
            merchant=merchant, case=case, trigger="recover", state="claimed",
            key=f"{case.public_id}:recover:1.1:{case.payment_method_id}",
            payment_method_id=case.payment_method_id, amount=4900, currency="usd",
            attempted_at=now - HOUR,
        )  # fmt: skip
        assert retry(case, now=now) == ChargeResult(Outcome.UNAVAILABLE)


def lost(local_stripe: LocalStripe, case: RecoveryCase, *, fault: str) -> datetime:
    """A claim whose answer nobody got, and when it was made."""
    now = timezone.now() + DAY
    local_stripe.faults.add(fault, path="*/pay", times=3)
    assert retry(case, now=now).outcome == Outcome.UNAVAILABLE
    local_stripe.faults.clear()
    local_stripe.requests.clear()
    return now


def test_a_claim_is_asked_again_while_stripe_surely_remembers_its_key(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = taken_over(local_stripe, merchant)
    at = lost(local_stripe, case, fault="reset")
    local_stripe.scenarios.set_outcome(payment_method=case.payment_method_id)

    result = retry(case, now=at + 23 * HOUR - timedelta(seconds=1))

    assert result == ChargeResult(Outcome.PAID)
    assert asked_for_money(local_stripe) == [200]


def test_a_claim_that_stripe_may_have_forgotten_is_left_to_a_person(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = taken_over(local_stripe, merchant)
    at = lost(local_stripe, case, fault="reset")

    result = retry(case, now=at + 23 * HOUR)

    assert (result.outcome, result.needs_person) == (Outcome.REFUSED, True)
    assert result.rule.startswith("whether it was charged is not known")
    assert asked_for_money(local_stripe) == []
    assert made(case)[0].state == "claimed"
    assert OperatorTask.objects.get().kind == "charge_refused"
    told = case.timeline.get(rule=result.rule)
    assert told.facts["status"] == "requires_payment_method"


def test_an_old_claim_that_a_bank_still_works_on_waits_and_bothers_nobody(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = taken_over(local_stripe, merchant)
    at = lost(local_stripe, case, fault="reset")
    [intent] = [
        one for one in realm(local_stripe).all("payment_intent") if one["status"] != "succeeded"
    ]
    intent["status"] = "processing"

    assert retry(case, now=at + 3 * DAY) == ChargeResult(Outcome.PENDING)
    assert asked_for_money(local_stripe) == []
    assert OperatorTask.objects.count() == 0


def test_an_old_claim_that_went_through_recovers_the_case(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = taken_over(local_stripe, merchant)
    local_stripe.scenarios.set_outcome(payment_method=case.payment_method_id)
    at = lost(local_stripe, case, fault="lost_response")

    assert retry(case, now=at + 3 * DAY) == ChargeResult(Outcome.ALREADY_PAID)

    case.refresh_from_db()
    assert (case.status, case.amount_recovered) == ("recovered", 4900)
    assert asked_for_money(local_stripe) == []


def test_an_old_claim_of_a_one_time_payment_is_looked_up_too(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_payment(local_stripe, merchant)
    method = new_card(local_stripe, case)
    now = timezone.now() + HOUR
    with stripe_is_down(local_stripe, "*/confirm"):
        charge(case, method, now=now)

    result = charge(case, method, now=now + DAY)

    assert (result.outcome, result.needs_person) == (Outcome.REFUSED, True)


def test_an_old_claim_waits_while_stripe_cannot_be_asked_what_became_of_it(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = taken_over(local_stripe, merchant)
    at = lost(local_stripe, case, fault="reset")

    with stripe_is_down(local_stripe, "/v1/invoice*"):
        assert retry(case, now=at + 3 * DAY) == ChargeResult(Outcome.UNAVAILABLE)

    assert made(case)[0].state == "claimed"


def test_a_claim_outlives_a_key_that_was_taken_away(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = taken_over(local_stripe, merchant)
    local_stripe.scenarios.set_outcome(payment_method=case.payment_method_id)
    at = lost(local_stripe, case, fault="lost_response")
    local_stripe.world.restrict(KEY, missing={"rak_invoice_write"})

    refused = retry(case, now=at + HOUR)

    assert refused.rule == "The Stripe key lacks the permission rak_invoice_write."
    assert made(case)[0].state == "claimed"
    local_stripe.world.restrict(KEY, missing=set())
    assert retry(case, now=at + HOUR) == ChargeResult(Outcome.PAID)
