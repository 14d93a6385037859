"""What an event about an existing case does to it: the same however often it is told of it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from recovery import cases, checkouts, customers, desk, failures
from recovery.cases import Payment
from recovery.models import RecoveryCase
from recovery.reading import id_of
from recovery.state_machine import Trigger
from recovery.stripe_events import Event, EventType
from recovery.stripe_objects import (
    NEEDS_AUTHENTICATION,
    UNDER_WAY,
    Failure,
    Invoice,
    PaymentIntent,
    Reversal,
)


@desk.at_desk
def apply(*, case: RecoveryCase, event: Event, now: datetime) -> None:
    """What an event about an existing case does to it; doing it twice changes nothing."""
    if effect := EFFECTS.get(event.type):
        effect(case, event, event.created_at or now, now)


def hear_of_address(case: RecoveryCase, failure: Failure, *, at: datetime) -> None:
    """Who holds the card may be written to where the customer can't be. To be heard before
    anything of the case is changed: customers are locked first."""
    customers.has_alternate(
        customer=case.customer, email=failure.payment_method.billing_email, at=at
    )


def latest_failed(case: RecoveryCase, failure: Failure, *, key: str, now: datetime) -> None:
    """Stripe's latest try, at its own time: no event may have told of it yet, and whoever is
    heard of first may have been an earlier one."""
    at = failure.charged_at or case.failed_at
    hear_of_address(case, failure, at=at)
    failures.record(case=case, failure=failure, key=key, at=at, now=now)


def note_status(case: RecoveryCase, status: str, *, at: datetime) -> None:
    if status:
        cases.note_payment(case=case, is_under_way=status in UNDER_WAY, at=at)


def pay_by_intent(
    case: RecoveryCase, intent: PaymentIntent, *, at: datetime, now: datetime, once: str
) -> None:
    is_through_checkout = checkouts.pay(case=case, intent_id=intent.id, now=now)
    payment = Payment.of_intent(intent, is_through_checkout=is_through_checkout)
    cases.pay(
        case=case, trigger=Trigger.PAYMENT_SUCCEEDED, payment=payment, at=at, now=now, once=once
    )


def is_canceled_by_us(case: RecoveryCase, intent_id: str) -> bool:
    """The payment that failed, given up for a Checkout, or one that was tried at a Checkout before
    it expired: the debt is owed all the same."""
    return intent_id != case.stripe_payment_intent_id or checkouts.is_given_up(case)


def _invoice_failed_again(case: RecoveryCase, event: Event, at: datetime, now: datetime) -> None:
    invoice = Invoice.read(event.object)
    failure = invoice.failure or failures.NO_REASON
    hear_of_address(case, failure, at=at)
    cases.note_failure_time(case=case, failed_at=at)
    cases.take_over_invoice(case=case, invoice=invoice, at=at)
    cases.note_paid_before(case=case, invoice=invoice)
    failures.record(case=case, failure=failure, key=invoice.attempt_key, at=at, now=now)


@desk.at_desk
def payment_failed_again(case: RecoveryCase, event: Event, at: datetime, now: datetime) -> None:
    intent = PaymentIntent.read(event.object)
    failure = intent.failure or failures.NO_REASON
    hear_of_address(case, failure, at=at)
    cases.note_failure_time(case=case, failed_at=at)
    cases.take_over_payment(case=case, intent=intent, at=at)
    key = f"{intent.id}#{event.id}"
    failures.record(case=case, failure=failure, key=key, at=at, now=now)


def _invoice_paid(case: RecoveryCase, event: Event, at: datetime, now: datetime) -> None:
    invoice = Invoice.read(event.object)
    close_for_invoice(
        case, Trigger.INVOICE_PAID, invoice, at=invoice.paid_at or at, now=now, once=event.id
    )


def close_for_invoice(
    case: RecoveryCase,
    trigger: Trigger,
    invoice: Invoice,
    *,
    at: datetime,
    now: datetime,
    once: str,
) -> None:
    if trigger is not Trigger.INVOICE_PAID:
        cases.advance(case=case, trigger=trigger, at=at, now=now, once=once)
        return
    payment = Payment.of_invoice(invoice)
    cases.pay(case=case, trigger=trigger, payment=payment, at=at, now=now, once=once)


def _payment_processing(case: RecoveryCase, event: Event, at: datetime, now: datetime) -> None:  # noqa: ARG001
    note_status(case, "processing", at=at)


def _payment_succeeded(case: RecoveryCase, event: Event, at: datetime, now: datetime) -> None:
    note_status(case, "succeeded", at=at)
    if not case.is_one_time:
        return  # `invoice.paid` says it, and how much
    intent = PaymentIntent.read(event.object)
    cases.take_over_payment(case=case, intent=intent, at=at)
    pay_by_intent(case, intent, at=at, now=now, once=event.id)


def _payment_canceled(case: RecoveryCase, event: Event, at: datetime, now: datetime) -> None:
    note_status(case, "canceled", at=at)
    if case.is_one_time and not is_canceled_by_us(case, id_of(event.object)):
        _closes(Trigger.PAYMENT_CANCELED)(case, event, at, now)


def _closes(trigger: Trigger) -> Callable[[RecoveryCase, Event, datetime, datetime], None]:
    def close(case: RecoveryCase, event: Event, at: datetime, now: datetime) -> None:
        cases.advance(case=case, trigger=trigger, at=at, now=now, once=event.id)

    return close


def _subscription_canceled(case: RecoveryCase, event: Event, at: datetime, now: datetime) -> None:
    cases.lose_subscription(case=case, at=at, now=now, once=event.id)


def _invoice_changed(case: RecoveryCase, event: Event, at: datetime, now: datetime) -> None:  # noqa: ARG001
    cases.take_over_invoice(case=case, invoice=Invoice.read(event.object), at=at)


def _action_required(case: RecoveryCase, event: Event, at: datetime, now: datetime) -> None:
    """The bank wants the customer to confirm an automatic payment, which counts as failed."""
    _invoice_changed(case, event, at, now)
    invoice = Invoice.read(event.object)
    failures.record(
        case=case, failure=NEEDS_AUTHENTICATION, key=invoice.attempt_key, at=at, now=now
    )  # fmt: skip


def _money_went_back(
    trigger: Trigger,
) -> Callable[[RecoveryCase, Event, datetime, datetime], None]:
    def go_back(case: RecoveryCase, event: Event, at: datetime, now: datetime) -> None:
        reversal = Reversal.read(event.object)
        if reversal.is_inquiry:
            return
        # A dispute is told of twice; what is refunded becomes more from event to event.
        once = id_of(event.object) if trigger is Trigger.DISPUTED else event.id
        cases.refund(case=case, amount=reversal.amount, at=at, now=now, once=once)
        if reversal.is_whole:
            told = {"at": at.isoformat()}
            cases.advance(case=case, trigger=trigger, at=at, now=now, once=once, facts=told)

    return go_back


EFFECTS: Mapping[str, Callable[[RecoveryCase, Event, datetime, datetime], None]] = (
    MappingProxyType(
        {
            EventType.INVOICE_PAYMENT_FAILED: _invoice_failed_again,
            EventType.PAYMENT_INTENT_PROCESSING: _payment_processing,
            EventType.PAYMENT_INTENT_PAYMENT_FAILED: payment_failed_again,
            EventType.INVOICE_PAID: _invoice_paid,
            EventType.INVOICE_VOIDED: _closes(Trigger.INVOICE_VOIDED),
            EventType.INVOICE_MARKED_UNCOLLECTIBLE: _closes(Trigger.MARKED_UNCOLLECTIBLE),
            EventType.INVOICE_UPDATED: _invoice_changed,
            EventType.INVOICE_PAYMENT_ACTION_REQUIRED: _action_required,
            EventType.PAYMENT_INTENT_SUCCEEDED: _payment_succeeded,
            EventType.PAYMENT_INTENT_CANCELED: _payment_canceled,
            EventType.CUSTOMER_SUBSCRIPTION_DELETED: _subscription_canceled,
            EventType.CHARGE_REFUNDED: _money_went_back(Trigger.REFUNDED),
            EventType.CHARGE_DISPUTE_CREATED: _money_went_back(Trigger.DISPUTED),
            # Of a bank's question that became a dispute nothing else tells.
            EventType.CHARGE_DISPUTE_FUNDS_WITHDRAWN: _money_went_back(Trigger.DISPUTED),
        }
    )
)
