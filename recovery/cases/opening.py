"""A case opens for a failed invoice or one-time payment, once."""

from datetime import datetime, timedelta
from typing import Any

from recovery import customers, desk, inbox, timeline
from recovery.cases.facts import LONG_AGO, take_over_invoice
from recovery.cases.moves import hear_of_money_back, lose_subscription
from recovery.cases.rows import added, locked, of_debt
from recovery.declines import UNKNOWN
from recovery.models import Customer, Merchant, RecoveryCase
from recovery.state_machine import Status, Trigger
from recovery.stripe_events import Event, EventType
from recovery.stripe_objects import Invoice, PaymentIntent
from recovery.timeline import Actor, Kind


@desk.at_desk
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
    customer = customers.remember(
        merchant=merchant, stripe_customer_id=invoice.customer_id, email=invoice.customer_email,
        name=invoice.customer_name, at=min(failed_at, invoice.created_at or failed_at),
        debt=invoice.id,
    )  # fmt: skip
    case = of_debt(merchant, invoice_id=invoice.id)
    if case is None:
        case = _open(
            merchant, invoice, what=f"invoice {invoice.number or invoice.id}", now=now,
            stripe_invoice_id=invoice.id, customer=customer, amount=invoice.amount_owed,
            failed_at=failed_at, known_at=LONG_AGO, enrich_at=None if is_complete else now,
            person_erased_at=_erased_at(customer),
        )  # fmt: skip
    take_over_invoice(case=case, invoice=invoice, at=known_at)
    note_failure_time(case=case, failed_at=failed_at)
    return case


@desk.at_desk
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
    customer = customers.remember(
        merchant=merchant, stripe_customer_id=intent.customer_id, email=email, name="",
        at=failed_at, debt=intent.id,
    )  # fmt: skip
    case = of_debt(merchant, intent_id=intent.id)
    if case is None:
        case = _open(
            merchant, intent, what=f"one-time payment {intent.id}", now=now,
            stripe_payment_intent_id=intent.id, customer=customer, amount=intent.amount,
            description="" if _erased_at(customer) else intent.description, failed_at=failed_at,
            settles_at=failed_at + timedelta(minutes=merchant.settling_minutes),
            known_at=failed_at, enrich_at=None if is_complete else now,
            person_erased_at=_erased_at(customer),
        )  # fmt: skip
    note_failure_time(case=case, failed_at=failed_at)
    return case


@desk.at_desk
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
        hear_of_money_back(case)
    if case.reason == Trigger.BELONGS_TO_INVOICE:
        case.closed_at = failed_at
    desk.keep(case)
    _hear_of_cancellation(case)


def _hear_of_cancellation(case: RecoveryCase) -> None:
    """It may have seemed to come before the payment failed."""
    subscription_id = case.stripe_subscription_id
    for told in inbox.told_of(case.merchant, [subscription_id]) if subscription_id else ():
        if told.type == EventType.CUSTOMER_SUBSCRIPTION_DELETED:
            event, heard_at = Event.parse(told.payload), told.received_at
            lose_subscription(
                case=case, at=event.created_at or heard_at, now=heard_at, once=event.id
            )


def _open(
    merchant: Merchant, debt: Invoice | PaymentIntent, *, what: str, now: datetime, **facts: Any
) -> RecoveryCase:
    """A new case of the debt, of whose failure nothing is known yet."""
    case = added(
        RecoveryCase(
            merchant=merchant, livemode=_mode(merchant, livemode=debt.livemode),
            currency=debt.currency or merchant.currency, decline_type=UNKNOWN.decline_type,
            opened_at=now, **facts,
        )
    )  # fmt: skip
    timeline.append(
        case=case, kind=Kind.OPENED, summary=f"A payment for {what} failed: a case was opened.",
        once="opened", at=now, facts={"amount": case.amount, "currency": case.currency},
    )  # fmt: skip
    return case


def _erased_at(customer: Customer | None) -> datetime | None:
    """Of who was erased and owed this then, though nobody had told of it."""
    return customer.erased_at if customer and customer.is_erased else None


def _mode(merchant: Merchant, *, livemode: bool | None) -> bool:
    return livemode if livemode is not None else merchant.stripe.livemode is True
