"""The only place that asks Stripe for money: claim, ask, record."""

import enum
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from recovery import cases, failures, stripe_gateway, timeline
from recovery.cases import Payment
from recovery.charging_rules import ChargeFacts, Refused, may_charge
from recovery.declines import Decline
from recovery.mechanisms import AttemptTrigger
from recovery.models import PaymentAttempt, RecoveryCase
from recovery.state_machine import Status, Trigger
from recovery.stripe_errors import (
    MissingPermissionError,
    NotConnectedError,
    StripeError,
    StripeUnavailableError,
)
from recovery.stripe_gateway import StripeGateway
from recovery.stripe_objects import Charged
from recovery.timeline import Actor, Kind

logger = logging.getLogger(__name__)

# As long as Stripe surely takes to answer; an older claim's worker is dead, and asking again
# with the same idempotency key gives the first answer.
CLAIM = timedelta(minutes=2)
# Ends the key of a charge that was asked for while the customer was there: Stripe gives the first
# answer only to the same question.
PRESENT = ":present"


class Outcome(enum.StrEnum):
    PAID = "paid"
    ALREADY_PAID = "already_paid"
    DECLINED = "declined"
    NEEDS_AUTHENTICATION = "needs_authentication"
    PENDING = "pending"
    UNAVAILABLE = "unavailable"
    REFUSED = "refused"


OUTCOMES = {
    PaymentAttempt.State.SUCCEEDED: Outcome.PAID,
    PaymentAttempt.State.FAILED: Outcome.DECLINED,
    PaymentAttempt.State.REQUIRES_ACTION: Outcome.NEEDS_AUTHENTICATION,
    PaymentAttempt.State.CLAIMED: Outcome.PENDING,
}


@dataclass(frozen=True, slots=True)
class ChargeResult:
    outcome: Outcome
    rule: str = ""


def charge(
    *,
    case: RecoveryCase,
    payment_method_id: str,
    trigger: AttemptTrigger,
    is_customer_present: bool,
    now: datetime,
) -> ChargeResult:
    """Ask for the case's money from a payment method, at most once for each `trigger`.

    Asked twice at once, or again later, the second call tells what became of the first.
    """
    claimed = _claim(
        case=case, payment_method_id=payment_method_id, trigger=trigger, now=now,
        is_customer_present=is_customer_present,
    )  # fmt: skip
    if isinstance(claimed, ChargeResult):
        return claimed
    try:
        gateway = stripe_gateway.of(case.merchant)
        answer = _ask(gateway, case, claimed)
    except StripeUnavailableError:
        # Whether the charge was made is unknown: the claim stays and is asked again.
        return ChargeResult(Outcome.UNAVAILABLE)
    except (NotConnectedError, MissingPermissionError) as error:
        # Stripe looked at the key and no further: with a better one the card can be charged.
        return _release(claimed, str(error), now=now)
    except StripeError as error:
        return _record_error(claimed, str(error), now=now)
    return _record(claimed, answer, gateway=gateway, now=now)


@transaction.atomic
def _claim(
    *,
    case: RecoveryCase,
    payment_method_id: str,
    trigger: AttemptTrigger,
    is_customer_present: bool,
    now: datetime,
) -> PaymentAttempt | ChargeResult:
    case = cases.locked(case)
    if case.status == Status.RECOVERED:
        return ChargeResult(Outcome.ALREADY_PAID)
    key = f"{case.public_id}:{trigger}:{payment_method_id}"
    earlier = case.attempts.filter(key__in=[key, key + PRESENT]).first()
    if earlier and (
        earlier.state != PaymentAttempt.State.CLAIMED or now < earlier.attempted_at + CLAIM
    ):
        return _become_of(earlier)
    decision = may_charge(
        ChargeFacts(
            status=Status(case.status),
            is_paused=case.is_paused,
            declines=_declines_of(case, payment_method_id),
            is_customer_present=is_customer_present,
            next_payment_attempt_at=case.next_payment_attempt_at,
        ),
        now=now,
    )
    if isinstance(decision, Refused):
        timeline.append(
            case=case, kind=Kind.ATTEMPT_REFUSED, at=now, once=f"refused:{key}:{decision.rule}",
            summary=f"Not charged: {decision.rule}.", rule=decision.rule, source=decision.source,
        )  # fmt: skip
        return ChargeResult(Outcome.REFUSED, decision.rule)
    return earlier or PaymentAttempt.objects.create(
        merchant_id=case.merchant_id, case=case, trigger=trigger,
        key=key + PRESENT if is_customer_present else key,
        state=PaymentAttempt.State.CLAIMED, payment_method_id=payment_method_id,
        amount=case.amount, currency=case.currency, attempted_at=now,
    )  # fmt: skip


def _become_of(earlier: PaymentAttempt) -> ChargeResult:
    if earlier.error:
        return ChargeResult(Outcome.REFUSED, earlier.error)
    return ChargeResult(OUTCOMES[PaymentAttempt.State(earlier.state)])


def _declines_of(case: RecoveryCase, payment_method_id: str) -> tuple[Decline, ...]:
    failed = case.attempts.filter(
        state=PaymentAttempt.State.FAILED, payment_method_id=payment_method_id
    ).exclude(decline_type="")
    return tuple(
        Decline(
            decline_code=attempt.decline_code,
            advice_code=attempt.advice_code,
            network_decline_code=attempt.network_decline_code,
            network_advice_code=attempt.network_advice_code,
            brand=attempt.card_brand,
            block_reason=attempt.block_reason,
        )
        for attempt in failed.order_by("-attempted_at")
    )


def _ask(gateway: StripeGateway, case: RecoveryCase, attempt: PaymentAttempt) -> Charged:
    pay = gateway.confirm_payment if case.is_one_time else gateway.pay_invoice
    return pay(
        case.stripe_invoice_id or case.stripe_payment_intent_id,
        payment_method_id=attempt.payment_method_id,
        key=attempt.key,
        is_customer_present=attempt.key.endswith(PRESENT),
    )


def _record(
    attempt: PaymentAttempt, answer: Charged, *, gateway: StripeGateway, now: datetime
) -> ChargeResult:
    case = attempt.case
    if answer.status == "declined" and answer.failure:
        _record_decline(attempt, answer, now=now)
        return ChargeResult(Outcome.DECLINED)
    if answer.status == "not_open":
        debt = "payment" if case.is_one_time else "invoice"
        return _record_error(attempt, f"the {debt} is no longer open", now=now)
    if answer.status == "pending":
        return ChargeResult(Outcome.PENDING)  # banks take days for some methods; events tell
    if answer.status == "requires_action":
        _resolve(attempt, PaymentAttempt.State.REQUIRES_ACTION, now=now)
        return ChargeResult(Outcome.NEEDS_AUTHENTICATION)
    if answer.status == "already_paid":
        # By whom is not for this attempt to say: it never got to charge.
        _release(attempt, "it was paid already", now=now)
        _settle(case, gateway, now=now)
        return ChargeResult(Outcome.ALREADY_PAID)
    _resolve(attempt, PaymentAttempt.State.SUCCEEDED, now=now)
    timeline.append(
        case=case, kind=Kind.ATTEMPT_SUCCEEDED, summary="The payment went through.", at=now,
        once=f"succeeded:{attempt.key}", actor=Actor.RECOVER,
    )  # fmt: skip
    _settle(case, gateway, now=now)
    return ChargeResult(Outcome.PAID)


def _settle(case: RecoveryCase, gateway: StripeGateway, *, now: datetime) -> None:
    """The webhook will say it too; the customer and the figures needn't wait for it."""
    try:
        if case.is_one_time:
            intent = gateway.payment_intent(case.stripe_payment_intent_id)
            trigger, paid_at = Trigger.PAYMENT_SUCCEEDED, intent.paid_at or now
            payment = Payment.of_intent(intent, amount=case.amount)
        else:
            invoice = gateway.invoice(case.stripe_invoice_id)
            trigger, paid_at = Trigger.INVOICE_PAID, invoice.paid_at or now
            payment = Payment.of_invoice(invoice, amount=case.amount)
    except StripeError:
        logger.info("Paid, but Stripe could not be asked for the details: the webhook tells them.")
        return
    cases.pay(case=case, trigger=trigger, payment=payment, at=paid_at, now=now, once="charge")


@transaction.atomic
def _record_decline(attempt: PaymentAttempt, answer: Charged, *, now: datetime) -> None:
    assert answer.failure  # noqa: S101 - a declined answer has one
    case = cases.locked(attempt.case)
    # The webhook of this very charge may have been quicker: then its row becomes ours.
    case.attempts.filter(stripe_charge_id=answer.charge_id, trigger=AttemptTrigger.STRIPE).exclude(
        stripe_charge_id=""
    ).delete()
    failures.fill(attempt, answer.failure, case=case, now=now)
    cases.project_decline(case)
    timeline.append(
        case=case, kind=Kind.ATTEMPT_FAILED, at=now, once=f"failed:{attempt.key}",
        summary=f"The new charge was declined: {failures.reason(answer.failure)}.",
    )  # fmt: skip


@transaction.atomic
def _record_error(attempt: PaymentAttempt, error: str, *, now: datetime) -> ChargeResult:
    attempt.error = error[:500]
    _resolve(attempt, PaymentAttempt.State.FAILED, now=now)
    _tell_refusal(attempt, attempt.error, now=now)
    return ChargeResult(Outcome.REFUSED, attempt.error)


@transaction.atomic
def _release(attempt: PaymentAttempt, why: str, *, now: datetime) -> ChargeResult:
    """Nothing was charged and nothing stands against asking anew."""
    attempt.delete()
    _tell_refusal(attempt, why, now=now)
    return ChargeResult(Outcome.REFUSED, why)


def _tell_refusal(attempt: PaymentAttempt, why: str, *, now: datetime) -> None:
    timeline.append(
        case=attempt.case, kind=Kind.ATTEMPT_REFUSED, at=now, summary=f"Not charged: {why}",
        once=f"refused:{attempt.key}:{why}", rule="Stripe's answer", source=why,
    )  # fmt: skip


def _resolve(attempt: PaymentAttempt, state: PaymentAttempt.State, *, now: datetime) -> None:
    attempt.state = state
    attempt.resolved_at = now
    attempt.save(update_fields=["state", "resolved_at", "error"])
