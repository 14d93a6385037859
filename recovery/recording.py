"""What Stripe answered to a charge of ours, written down."""

import logging
from datetime import datetime

from django.db import transaction

from recovery import cases, failures, timeline
from recovery.cases import Payment
from recovery.charge_results import ChargeResult, Outcome
from recovery.mechanisms import AttemptTrigger
from recovery.models import PaymentAttempt, RecoveryCase
from recovery.state_machine import Trigger
from recovery.stripe_errors import StripeError
from recovery.stripe_gateway import StripeGateway
from recovery.stripe_objects import Charged
from recovery.timeline import Actor, Kind

logger = logging.getLogger(__name__)

STRIPES_ANSWER = "Stripe's answer"
CONNECTION = "the merchant's connection to Stripe"


def record(
    attempt: PaymentAttempt, answer: Charged, *, gateway: StripeGateway, now: datetime
) -> ChargeResult:
    case = attempt.case
    if answer.status == "declined" and answer.failure:
        _declined(attempt, answer, now=now)
        return ChargeResult(Outcome.DECLINED)
    if answer.status == "not_open":
        debt = "payment" if case.is_one_time else "invoice"
        return record_error(attempt, f"the {debt} is no longer open", now=now)
    if answer.status == "pending":
        return record_pending(attempt, now=now)
    if answer.status == "requires_action":
        _resolve(attempt, PaymentAttempt.State.REQUIRES_ACTION, now=now)
        return ChargeResult(Outcome.NEEDS_AUTHENTICATION)
    if answer.status == "already_paid":
        # By whom is not for this attempt to say: it never got to charge.
        release(attempt, "it was paid already", now=now)
        _settle(case, gateway, now=now)
        return ChargeResult(Outcome.ALREADY_PAID)
    _resolve(attempt, PaymentAttempt.State.SUCCEEDED, now=now)
    cases.explain_again(case)  # the webhook may have told before we did
    timeline.append(
        case=case, kind=Kind.ATTEMPT_SUCCEEDED, summary="The payment went through.", at=now,
        once=f"succeeded:{attempt.key}", actor=Actor.RECOVER, facts=failures.facts_of(attempt),
    )  # fmt: skip
    _settle(case, gateway, now=now)
    return ChargeResult(Outcome.PAID)


def _settle(case: RecoveryCase, gateway: StripeGateway, *, now: datetime) -> None:
    """The webhook will say it too; the customer and the figures needn't wait for it."""
    try:
        if case.is_one_time:
            intent = gateway.payment_intent(case.stripe_payment_intent_id)
            trigger, paid_at = Trigger.PAYMENT_SUCCEEDED, intent.paid_at or now
            payment = Payment.of_intent(intent)
        else:
            invoice = gateway.invoice(case.stripe_invoice_id)
            trigger, paid_at = Trigger.INVOICE_PAID, invoice.paid_at or now
            payment = Payment.of_invoice(invoice)
    except StripeError:
        logger.info("Paid, but Stripe could not be asked for the details: the webhook tells them.")
        return
    cases.pay(case=case, trigger=trigger, payment=payment, at=paid_at, now=now, once="charge")


@transaction.atomic
def record_pending(attempt: PaymentAttempt, *, now: datetime) -> ChargeResult:
    """Banks take days for some methods; events tell how it ended."""
    attempt.state = PaymentAttempt.State.PENDING
    attempt.save(update_fields=["state"])
    cases.note_payment(case=attempt.case, is_under_way=True, at=now)
    return ChargeResult(Outcome.PENDING)


@transaction.atomic
def _declined(attempt: PaymentAttempt, answer: Charged, *, now: datetime) -> None:
    assert answer.failure  # noqa: S101 - a declined answer has one
    case = cases.locked(attempt.case)
    # The webhook of this very charge may have been quicker: then its row becomes ours.
    case.attempts.filter(stripe_charge_id=answer.charge_id, trigger=AttemptTrigger.STRIPE).exclude(
        stripe_charge_id=""
    ).delete()
    failures.fill(attempt, answer.failure, case=case, now=now)
    cases.note_payment(case=case, is_under_way=False, at=now)
    cases.project_decline(case)
    timeline.append(
        case=case, kind=Kind.ATTEMPT_FAILED, at=now, once=f"failed:{attempt.key}",
        summary=f"The new charge was declined: {failures.reason(answer.failure)}.",
        facts=failures.facts_of(attempt),
    )  # fmt: skip


@transaction.atomic
def record_error(attempt: PaymentAttempt, error: str, *, now: datetime) -> ChargeResult:
    attempt.error = error[:500]
    _resolve(attempt, PaymentAttempt.State.FAILED, now=now)
    return tell_refusal(attempt.case, attempt.key, attempt.error, now=now)


@transaction.atomic
def release(attempt: PaymentAttempt, why: str, *, now: datetime) -> ChargeResult:
    """Nothing was charged and nothing stands against asking anew."""
    attempt.delete()
    cases.explain_again(attempt.case)
    return tell_refusal(attempt.case, attempt.key, why, now=now)


def tell_refusal(
    case: RecoveryCase, key: str, why: str, *, now: datetime, source: str = STRIPES_ANSWER
) -> ChargeResult:
    timeline.append(
        case=case, kind=Kind.ATTEMPT_REFUSED, at=now, summary=f"Not charged: {why}",
        once=f"refused:{key}:{why}", rule=why, source=source,
    )  # fmt: skip
    return ChargeResult(Outcome.REFUSED, why, source=source)


def _resolve(attempt: PaymentAttempt, state: PaymentAttempt.State, *, now: datetime) -> None:
    attempt.state = state
    attempt.resolved_at = now
    attempt.save(update_fields=["state", "resolved_at", "error"])
