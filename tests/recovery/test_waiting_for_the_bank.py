"""A renewal that the bank wants the customer to confirm, and questions that move no money."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from recovery import settling, stripe_gateway
from recovery.models import Merchant, RecoveryCase
from tests.builders import event, make_merchant, receive
from tests.local_stripe import LocalStripe
from tests.recovery.stories import failed_payment, failed_renewal, new_card, sdk

WAITING = {
    "id": "in_1", "customer_email": "jo@example.com", "amount_due": 4900, "currency": "usd",
    "attempt_count": 1,
}  # fmt: skip


def facts(case: RecoveryCase) -> tuple[str, str]:
    case.refresh_from_db()
    return case.decline_type, case.decline_code


@pytest.mark.django_db(transaction=True)
def test_a_renewal_that_waits_for_the_customer_is_told_so_by_stripe(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant, "3ds")

    assert facts(case) == ("action_required", "authentication_required")
    assert case.attempts.count() == 1
    summary = case.timeline.get(kind="attempt_failed").summary
    assert summary == "The payment was declined: authentication_required."


@pytest.mark.django_db
@pytest.mark.parametrize("is_reversed", [False, True])
def test_a_merchant_without_a_key_hears_it_by_event_in_either_order(is_reversed: bool) -> None:
    make_merchant()
    told = [
        event("invoice.payment_failed", WAITING),
        event("invoice.payment_action_required", WAITING),
    ]
    receive(*(reversed(told) if is_reversed else told))

    case = RecoveryCase.objects.get()
    assert facts(case) == ("action_required", "authentication_required")
    assert case.attempts.count() == 1


@pytest.mark.django_db
def test_a_known_reason_is_not_overwritten_by_a_customer_who_is_asked_to_confirm() -> None:
    make_merchant()
    declined = WAITING | {"last_finalization_error": {"decline_code": "insufficient_funds"}}
    receive(event("invoice.payment_failed", declined))
    receive(event("invoice.payment_action_required", WAITING))

    assert facts(RecoveryCase.objects.get()) == ("soft", "insufficient_funds")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "is_voided"),
    [("warning_needs_response", False), ("warning_closed", False), ("needs_response", True)],
)
def test_a_banks_question_voids_nothing_before_it_is_a_dispute(
    status: str, is_voided: bool
) -> None:
    make_merchant()
    dispute: dict[str, Any] = {
        "id": "dp_1", "object": "dispute", "amount": 4900, "charge": "ch_1", "status": status,
        "payment_intent": "pi_1",
    }  # fmt: skip
    paid = WAITING | {"payment_intent": "pi_1", "status": "paid", "amount_paid": 4900}
    receive(event("invoice.payment_failed", WAITING | {"payment_intent": "pi_1"}))
    receive(event("invoice.paid", paid))
    receive(event("charge.dispute.created", dispute))

    case = RecoveryCase.objects.get()
    assert (case.status == "voided") is is_voided
    assert case.amount_refunded == (4900 if is_voided else 0)


@pytest.mark.django_db
@pytest.mark.parametrize("is_late", [False, True])
def test_a_banks_question_that_becomes_a_dispute_voids_once(is_late: bool) -> None:
    make_merchant()
    dispute = {"id": "dp_1", "object": "dispute", "amount": 4900, "payment_intent": "pi_1"}
    question = event("charge.dispute.created", dispute | {"status": "warning_needs_response"})
    gone = event("charge.dispute.funds_withdrawn", dispute | {"status": "needs_response"})
    started = event("charge.dispute.created", dispute | {"status": "needs_response"})
    receive(event("invoice.payment_failed", WAITING | {"payment_intent": "pi_1"}))
    receive(event("invoice.paid", WAITING | {"payment_intent": "pi_1", "amount_paid": 4900}))

    receive(question, *([gone, started] if is_late else [started, gone]))

    case = RecoveryCase.objects.get()
    assert (case.status, case.reason, case.amount_refunded) == ("voided", "disputed", 4900)
    assert [case.timeline.filter(kind=kind).count() for kind in ("refund", "stayed")] == [1, 0]


@pytest.mark.django_db(transaction=True)
def test_a_buyer_who_paid_while_still_typing_is_known_as_such_though_it_is_heard_late(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    """The event of the payment was lost; Stripe is asked when the settling time is long over."""
    case = failed_payment(local_stripe, merchant)
    method = new_card(local_stripe, case)
    sdk(merchant).payment_intents.confirm(
        case.stripe_payment_intent_id, {"payment_method": method}
    )
    later = timezone.now() + timedelta(hours=2)
    intent = stripe_gateway.of(merchant).payment_intent(case.stripe_payment_intent_id)
    settling.settle_payment(case=case, intent=intent, now=later)

    case.refresh_from_db()
    assert (case.status, case.reason) == ("voided", "paid_while_settling")
