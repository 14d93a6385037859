"""The one writer of cases: they open, take facts over, move and close here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from django.db import transaction
from django.db.models import Q

from recovery import customers, timeline
from recovery.backoff import pause
from recovery.charge_facts import RetryDriver
from recovery.declines import UNKNOWN, classify
from recovery.mechanisms import AttemptTrigger, PaymentFacts, explain
from recovery.models import DeclineOverride, Merchant, PaymentAttempt, RecoveryCase
from recovery.state_machine import Move, Status, Trigger, decide
from recovery.stripe_objects import Invoice, PaymentIntent
from recovery.timeline import Actor, Kind

BATCH = 50
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that came: minor units, and what tells how it came."""

    amount: int
    attempt_count: int = 0
    is_out_of_band: bool = False

    @classmethod
    def of_invoice(cls, invoice: Invoice, *, amount: int) -> Self:
        """What Stripe says was paid; `amount` where it doesn't say. 0 is an answer."""
        paid = amount if invoice.amount_paid is None else invoice.amount_paid
        return cls(paid, invoice.attempt_count, invoice.is_paid_out_of_band)

    @classmethod
    def of_intent(cls, intent: PaymentIntent, *, amount: int) -> Self:
        return cls(amount if intent.amount_received is None else intent.amount_received)


def concerning(merchant: Merchant, stripe_id: str) -> list[RecoveryCase]:
    """The cases that an invoice, PaymentIntent or subscription is about."""
    if not stripe_id:
        return []
    return list(
        RecoveryCase.objects.of(merchant).filter(
            Q(stripe_invoice_id=stripe_id)
            | Q(stripe_payment_intent_id=stripe_id)
            | Q(stripe_subscription_id=stripe_id)
        )
    )


def invoice_of_payment(merchant: Merchant, intent_id: str) -> str:
    """The invoice that a PaymentIntent is known to pay, "" where no case says so."""
    known = (case.stripe_invoice_id for case in concerning(merchant, intent_id))
    return next(filter(None, known), "")


def keys(case: RecoveryCase) -> list[str]:
    """The Stripe ids by which events find the case."""
    found = (case.stripe_invoice_id, case.stripe_payment_intent_id, case.stripe_subscription_id)
    return [key for key in found if key]


def locked(case: RecoveryCase) -> RecoveryCase:
    """The case as it is now, held until the transaction ends."""
    return RecoveryCase.objects.select_for_update().get(pk=case.pk)


def _mode(merchant: Merchant, *, livemode: bool | None) -> bool:
    return livemode if livemode is not None else merchant.stripe.livemode is True


@transaction.atomic
def open_for_invoice(
    *,
    merchant: Merchant,
    invoice: Invoice,
    known_at: datetime,
    failed_at: datetime,
    now: datetime,
    is_complete: bool,
) -> RecoveryCase:
    """The invoice's case, opened if it has none, with what Stripe said of it at `known_at`.

    `is_complete`: there is no more to be asked of Stripe.
    """
    case, created = RecoveryCase.objects.get_or_create(
        merchant=merchant,
        stripe_invoice_id=invoice.id,
        defaults={
            "customer": customers.remember(
                merchant=merchant,
                stripe_customer_id=invoice.customer_id,
                email=invoice.customer_email,
                name=invoice.customer_name,
                at=failed_at,
            ),
            "livemode": _mode(merchant, livemode=invoice.livemode),
            "amount": invoice.amount_owed,
            "currency": invoice.currency or merchant.currency,
            "decline_type": UNKNOWN.decline_type,
            "failed_at": failed_at,
            "opened_at": now,
            "known_at": LONG_AGO,
            "enrich_at": None if is_complete else now,
        },
    )
    if created:
        _tell_opening(case, now=now, what=f"invoice {invoice.number or invoice.id}")
    take_over_invoice(case=case, invoice=invoice, at=known_at)
    note_failure_time(case=case, failed_at=failed_at)
    case.refresh_from_db()
    return case


@transaction.atomic
def open_for_payment(
    *,
    merchant: Merchant,
    intent: PaymentIntent,
    email: str,
    failed_at: datetime,
    now: datetime,
    is_complete: bool,
) -> RecoveryCase:
    """The one-time payment's case, opened if it has none; its customer is left alone at first."""
    settling = timedelta(minutes=merchant.settling_minutes)
    case, created = RecoveryCase.objects.get_or_create(
        merchant=merchant,
        stripe_invoice_id="",
        stripe_payment_intent_id=intent.id,
        defaults={
            "customer": customers.remember(
                merchant=merchant,
                stripe_customer_id=intent.customer_id,
                email=email,
                name="",
                at=failed_at,
            ),
            "livemode": _mode(merchant, livemode=intent.livemode),
            "amount": intent.amount,
            "currency": intent.currency or merchant.currency,
            "description": intent.description,
            "decline_type": UNKNOWN.decline_type,
            "failed_at": failed_at,
            "opened_at": now,
            "settles_at": failed_at + settling,
            "known_at": failed_at,
            "enrich_at": None if is_complete else now,
        },
    )
    if created:
        _tell_opening(case, now=now, what=f"one-time payment {intent.id}")
    note_failure_time(case=case, failed_at=failed_at)
    case.refresh_from_db()
    return case


def _tell_opening(case: RecoveryCase, *, now: datetime, what: str) -> None:
    timeline.append(
        case=case,
        kind=Kind.OPENED,
        summary=f"A payment for {what} failed: a case was opened.",
        once="opened",
        at=now,
        facts={"amount": case.amount, "currency": case.currency},
    )


@transaction.atomic
def note_failure_time(*, case: RecoveryCase, failed_at: datetime) -> None:
    """A case failed when its first payment did, in whatever order that is heard.

    A one-time payment that counted as paid while settling may turn out to have settled before:
    then it was a recovery after all.
    """
    case = locked(case)
    if failed_at >= case.failed_at:
        return
    if case.settles_at:
        case.settles_at -= case.failed_at - failed_at
    case.failed_at = failed_at
    if (
        case.reason == Trigger.PAID_WHILE_SETTLING
        and case.settles_at
        and case.closed_at
        and case.closed_at > case.settles_at
    ):
        case.status, case.reason = Status.RECOVERED, Trigger.PAYMENT_SUCCEEDED
        timeline.append(
            case=case, kind=Kind.MOVED, at=case.closed_at, once="settled before",
            actor=Actor.STRIPE,
            summary="The first failure was earlier than known, so the payment was a recovery.",
        )  # fmt: skip
    if case.reason == Trigger.BELONGS_TO_INVOICE:
        case.closed_at = failed_at
    case.save(update_fields=["failed_at", "settles_at", "status", "reason", "closed_at"])


@transaction.atomic
def take_over_invoice(*, case: RecoveryCase, invoice: Invoice, at: datetime) -> None:
    """What Stripe said of the invoice at `at`, unless something newer is known."""
    case = locked(case)
    case.stripe_payment_intent_id = case.stripe_payment_intent_id or invoice.payment_intent_id
    case.stripe_subscription_id = case.stripe_subscription_id or invoice.subscription_id
    if not invoice.is_paid:  # else the attempt that went through would count as a failed one
        case.attempt_count = max(case.attempt_count, invoice.attempt_count)
    new, old = invoice.next_payment_attempt_at, case.next_payment_attempt_at
    if (at, new or LONG_AGO) > (case.known_at, old or LONG_AGO):
        case.next_payment_attempt_at = new
        case.known_at = at
        case.invoice_number = invoice.number or case.invoice_number
        case.description = invoice.description or case.description
        case.hosted_invoice_url = invoice.hosted_invoice_url or case.hosted_invoice_url
        if case.is_open and invoice.amount_owed:
            case.amount = invoice.amount_owed
    if case.mechanism:
        case.mechanism = _mechanism(case, is_out_of_band=case.mechanism == "out_of_band")
    case.save()


@transaction.atomic
def retries_are_ours(*, case: RecoveryCase, now: datetime) -> None:
    """Stripe has confirmed that it won't ask for the money by itself: from now on Recover may."""
    case = locked(case)
    case.retry_driver, case.next_payment_attempt_at = RetryDriver.RECOVER, None
    case.known_at = max(case.known_at, now)
    case.save(update_fields=["retry_driver", "next_payment_attempt_at", "known_at"])
    timeline.append(
        case=case, kind=Kind.RETRIES_TAKEN_OVER, once="retries taken over", at=now,
        summary="Stripe's own retries are off: Recover asks for the money now.",
    )  # fmt: skip


@transaction.atomic
def claim_to_enrich(*, now: datetime) -> list[RecoveryCase]:
    """Cases for which Stripe is to be asked what their events left out, and nobody else asks."""
    due = RecoveryCase.objects.filter(enrich_at__lte=now)
    batch = list(
        due.select_for_update(skip_locked=True, of=("self",))
        .select_related("merchant__stripe")
        .order_by("enrich_at")[:BATCH]
    )
    for case in batch:
        case.enrich_tries += 1
        case.enrich_at = now + pause(case.enrich_tries)
    RecoveryCase.objects.bulk_update(batch, ["enrich_tries", "enrich_at"])
    return batch


def is_enriched(case: RecoveryCase) -> None:
    """Stripe told, or never will."""
    RecoveryCase.objects.filter(pk=case.pk).update(enrich_at=None)


@transaction.atomic
def is_paid_by(*, case: RecoveryCase, intent_id: str) -> RecoveryCase:
    """The PaymentIntent is the invoice's own, so what is told of it is told of this case."""
    case = locked(case)
    case.stripe_payment_intent_id = case.stripe_payment_intent_id or intent_id
    case.save(update_fields=["stripe_payment_intent_id"])
    return case


@transaction.atomic
def belongs_to_invoice(*, case: RecoveryCase, now: datetime) -> None:
    """What looked like a one-time payment is an invoice's, which has a case of its own and hears
    why it failed; nothing of it stays here."""
    case = advance(
        case=case, trigger=Trigger.BELONGS_TO_INVOICE, at=case.failed_at, now=now, once="twin"
    )
    case.amount_recovered, case.paid_attempt_count, case.mechanism = 0, 0, ""
    case.decline_type, case.decline_code, case.advice_code = UNKNOWN.decline_type, "", ""
    case.save()


@transaction.atomic
def project_decline(case: RecoveryCase) -> None:
    """The case shows the decline of its latest failed attempt, as the merchant sees its code."""
    case = locked(case)
    latest = (
        case.attempts.filter(state=PaymentAttempt.State.FAILED)
        .exclude(decline_type="")
        .order_by("-attempted_at", "-stripe_charge_id")
        .first()
    )
    if latest is None:
        return
    case.decline_type = _type_of(latest)
    case.decline_code = latest.decline_code
    case.advice_code = latest.advice_code
    case.payment_method_id = latest.payment_method_id
    case.card_brand = latest.card_brand
    case.card_last4 = latest.card_last4
    case.save(
        update_fields=[
            "decline_type", "decline_code", "advice_code", "payment_method_id", "card_brand",
            "card_last4",
        ]
    )  # fmt: skip


def _type_of(attempt: PaymentAttempt) -> str:
    """As it was understood when it failed, or as the merchant has decided since."""
    overrides = DeclineOverride.by_code(attempt.merchant_id)
    if attempt.decline is None or attempt.decline_code not in overrides:
        return attempt.decline_type
    return classify(attempt.decline, overrides).decline_type


@transaction.atomic
def advance(
    *,
    case: RecoveryCase,
    trigger: Trigger,
    at: datetime,
    now: datetime,
    once: str,
    actor: str = Actor.STRIPE,
    payment: Payment | None = None,
    facts: Mapping[str, Any] | None = None,
) -> RecoveryCase:
    """Move the case as the state machine says, and tell the timeline, also if it stays.

    `at` is when it happened, by Stripe's clock; `payment` goes with a trigger that money came.
    """
    case = locked(case)
    decision = decide(status=Status(case.status), trigger=trigger, reason=case.reason)
    kind = Kind.MOVED if isinstance(decision, Move) else Kind.STAYED
    if isinstance(decision, Move):
        case.status, case.reason, case.closed_at = decision.to, decision.reason, at
        _receive(case, payment)
        case.save()
    elif case.status == Status.VOIDED and not _is_all_told(case):
        # That the money went back, or was never owed, may be heard before that it came.
        _receive(case, payment)
        case.save()
    told = f"the case is {case.status}" if isinstance(decision, Move) else decision.why
    timeline.append(
        case=case, kind=kind, summary=f"{trigger.replace('_', ' ').capitalize()}: {told}.",
        once=f"{trigger}:{once}", at=now, actor=actor, rule=f"state machine: {trigger}",
        facts=facts,
    )  # fmt: skip
    return case


def _is_all_told(case: RecoveryCase) -> bool:
    return bool(case.amount_recovered) or case.reason == Trigger.BELONGS_TO_INVOICE


def _receive(case: RecoveryCase, payment: Payment | None) -> None:
    if payment is not None:
        case.amount_recovered = payment.amount
        case.paid_attempt_count = payment.attempt_count
        case.mechanism = _mechanism(case, is_out_of_band=payment.is_out_of_band)


def _mechanism(case: RecoveryCase, *, is_out_of_band: bool) -> str:
    ours = case.attempts.exclude(trigger=AttemptTrigger.STRIPE).exclude(
        state__in=[PaymentAttempt.State.FAILED]
    )
    return explain(
        PaymentFacts(
            is_out_of_band=is_out_of_band,
            our_attempts=frozenset(
                AttemptTrigger(trigger) for trigger in ours.values_list("trigger", flat=True)
            ),
            attempt_count_when_failed=case.attempt_count,
            attempt_count_when_paid=case.paid_attempt_count,
        )
    )


@transaction.atomic
def pay(
    *,
    case: RecoveryCase,
    trigger: Trigger,
    payment: Payment,
    at: datetime,
    now: datetime,
    once: str,
) -> RecoveryCase:
    """The debt is settled: recovered, unless there was nothing left to pay or the buyer was
    still typing."""
    case = locked(case)
    if payment.amount <= 0:
        return advance(case=case, trigger=Trigger.NOTHING_DUE, at=at, now=now, once=once)
    if case.settles_at and at <= case.settles_at:
        trigger = Trigger.PAID_WHILE_SETTLING
    return advance(case=case, trigger=trigger, at=at, now=now, once=once, payment=payment)


@transaction.atomic
def refund(*, case: RecoveryCase, amount: int, at: datetime, now: datetime, once: str) -> None:
    """Part of the money went back; the figures count what stayed."""
    case = locked(case)
    case.amount_refunded = max(case.amount_refunded, amount)
    case.save(update_fields=["amount_refunded"])
    timeline.append(
        case=case, kind=Kind.REFUND, summary=f"{amount} of the payment went back.", at=now,
        once=f"refund:{once}", actor=Actor.STRIPE, facts={"amount": amount, "at": at.isoformat()},
    )  # fmt: skip
