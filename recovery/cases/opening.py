"""A case opens for a failed invoice or one-time payment, once."""

from datetime import datetime, timedelta

from django.db import transaction

from recovery import customers, timeline
from recovery.cases.facts import LONG_AGO, take_over_invoice
from recovery.cases.rows import locked
from recovery.declines import UNKNOWN
from recovery.models import Merchant, RecoveryCase
from recovery.state_machine import Status, Trigger
from recovery.stripe_objects import Invoice, PaymentIntent
from recovery.timeline import Actor, Kind


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

    `is_complete`: there is no more to be asked of Stripe. Who owes is told as of when the invoice
    was made: it keeps that address for good (docs.stripe.com/api/invoices/object, customer_email).
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
                at=min(failed_at, invoice.created_at or failed_at),
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


def _tell_opening(case: RecoveryCase, *, now: datetime, what: str) -> None:
    timeline.append(
        case=case,
        kind=Kind.OPENED,
        summary=f"A payment for {what} failed: a case was opened.",
        once="opened",
        at=now,
        facts={"amount": case.amount, "currency": case.currency},
    )


def _mode(merchant: Merchant, *, livemode: bool | None) -> bool:
    return livemode if livemode is not None else merchant.stripe.livemode is True
