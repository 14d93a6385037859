"""One stored event → what it means for a case; Stripe is asked for what the payload omits."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from recovery import cases, checkouts, desk, effects, inbox, stripe_gateway, twins
from recovery.asking import ask, can_be_asked
from recovery.checkout_sessions import named_in
from recovery.customer_events import ABOUT_CUSTOMERS, hear_of_new_card, learn_customer
from recovery.failed_invoices import invoice_failed
from recovery.hearing import learn_payment, tell_what_was_told
from recovery.models import Merchant, RecoveryCase, StripeEvent
from recovery.reading import id_of
from recovery.stripe_errors import MissingPermissionError, NoStripeError, ObjectMissingError
from recovery.stripe_events import Event, EventType
from recovery.stripe_objects import Invoice, PaymentIntent, Reversal

REVERSALS = (
    EventType.CHARGE_REFUNDED,
    EventType.CHARGE_DISPUTE_CREATED,
    EventType.CHARGE_DISPUTE_FUNDS_WITHDRAWN,
)
PAYMENT = "pi_"


def process(stored: StripeEvent, *, now: datetime) -> None:
    """Do what the event says. Raises UnreadablePayloadError if it can't ever be done."""
    merchant = stored.merchant
    event = Event.parse(stored.payload)
    _learn_mode(merchant, event)
    name, intent_id = named_in(event.object)
    if name and (checkout := checkouts.named(merchant, name, intent_id=intent_id)):
        learn_payment(checkout, intent_id, now=now, is_retried=stored.tries > 1)
    if event.type in OPENERS:
        _open(stored, event, now=now)
    elif event.type in ABOUT_CUSTOMERS:
        ABOUT_CUSTOMERS[event.type](merchant, event, now)
    else:
        for case in _concerned(stored, event):
            effects.apply(case=case, event=event, now=now)


def _concerned(stored: StripeEvent, event: Event) -> list[RecoveryCase]:
    """The cases that an event is about. Money that goes back is told of the payment that it came
    by, which need not be an invoice's first, and no event says whose it is."""
    found = cases.concerning(stored.merchant, stored.concerns)
    if found or stored.type not in REVERSALS or not stored.concerns.startswith(PAYMENT):
        return found
    return [case for case in _paid_by(stored, event) if _went_back_whole(case, event)]


def _paid_by(stored: StripeEvent, event: Event) -> list[RecoveryCase]:
    """The cases of the invoice that another payment than its first paid. Raises StripeError where
    that can't be asked now, and is asked again."""
    merchant, customer_id = stored.merchant, id_of(event.object.get("customer"))
    is_of_charge = stored.type == EventType.CHARGE_REFUNDED
    if is_of_charge and not cases.has_owed(merchant, stripe_customer_id=customer_id):
        return []  # as most refunds are: nothing of theirs ever failed
    try:
        invoice_id = stripe_gateway.of(merchant).invoice_of(stored.concerns)
    except (NoStripeError, ObjectMissingError, MissingPermissionError):
        return []
    return cases.concerning(merchant, invoice_id)


def _went_back_whole(case: RecoveryCase, event: Event) -> bool:
    """Of a part, whether paid or given back, one payment's event doesn't tell how much is left."""
    came = case.amount_recovered
    return bool(came) and Reversal.read(event.object).amount >= came


def _open(stored: StripeEvent, event: Event, *, now: datetime) -> None:
    merchant = stored.merchant
    known = {case.pk: cases.keys(case) for case in cases.concerning(merchant, stored.concerns)}
    if not known and merchant.stripe.is_of_before(stored.received_at):
        return  # owed at another account than is connected now
    if not known and not can_be_asked(merchant) and inbox.was_settled(merchant, stored.concerns):
        return  # it was settled so long ago that only that is known
    case = OPENERS[event.type](merchant, event, now)
    if case is not None:
        # What is new about the case, or may not have been told when a worker died.
        told = known.get(case.pk, []) if stored.tries <= 1 else []
        tell_what_was_told(case, but_of=told, but=_heard_whole(stored), now=now)
        if not told:
            hear_of_new_card(case, now=now)


def _heard_whole(opener: StripeEvent) -> Collection[int]:
    """An invoice's failure opens its case with all that it says; a payment's may open another."""
    return {opener.pk} if opener.type == EventType.INVOICE_PAYMENT_FAILED else ()


def _learn_mode(merchant: Merchant, event: Event) -> None:
    """The first live event tells that a merchant without a key is live."""
    connection = merchant.stripe
    if connection.livemode is None and event.livemode:
        connection.livemode = True
        connection.save(update_fields=["livemode"])


# --- what opens a case ------------------------------------------------------------------------


def _invoice_failed(merchant: Merchant, event: Event, now: datetime) -> RecoveryCase | None:
    told = Invoice.read(event.object)
    return invoice_failed(merchant=merchant, told=told, failed_at=event.created_at or now, now=now)


def _payment_failed(merchant: Merchant, event: Event, now: datetime) -> RecoveryCase | None:
    """A one-time payment's failure opens its case; an invoice's own belongs to the invoice's."""
    told = PaymentIntent.read(event.object)
    failed_at = event.created_at or now
    for case in cases.paid_through_checkout(merchant, told.id):
        effects.payment_failed_again(case, event, failed_at, now)
        return None
    asked = None
    invoice_id = told.invoice_id or cases.invoice_of_payment(merchant, told.id)
    if not invoice_id:
        asked = ask(merchant, lambda stripe: stripe.invoice_of(told.id))
        invoice_id = asked or ""
    if invoice_id:
        return _payment_of_invoice_failed(merchant, invoice_id, event, now)
    if told.amount <= 0 or not told.id:
        return None
    email, is_complete = _address(merchant, told), asked is not None or not can_be_asked(merchant)

    def opened() -> RecoveryCase:
        case = cases.open_for_payment(
            merchant=merchant, intent=told, email=email, failed_at=failed_at, now=now,
            is_complete=is_complete,
        )  # fmt: skip
        effects.payment_failed_again(case, event, failed_at, now)
        return case

    # A new case that doesn't know yet why the payment failed would be taken up by the campaign for
    # unknown declines, and a card charged that was reported lost. Who owes a known one may be
    # another than this event names: they aren't held together.
    is_known = bool(cases.concerning(merchant, told.id))
    case = opened() if is_known else desk.at_desk(opened)()
    if asked is not None and not learn_customer(case):
        cases.is_to_be_enriched(case=case, at=now)
    return case if can_be_asked(merchant) else twins.unite(case, now=now)


def _payment_of_invoice_failed(
    merchant: Merchant, invoice_id: str, event: Event, now: datetime
) -> RecoveryCase | None:
    for twin in cases.concerning(merchant, id_of(event.object)):
        cases.note_failure_time(case=twin, failed_at=event.created_at or now)
    for case in cases.concerning(merchant, invoice_id):
        effects.payment_failed_again(case, event, event.created_at or now, now)
        return None
    # The invoice's own event may come later, or its endpoint may be missing: Stripe knows.
    invoice = ask(merchant, lambda stripe: stripe.invoice(invoice_id))
    if invoice is None:
        return None  # the invoice's event will find this one in the inbox
    told = replace(invoice, failure=PaymentIntent.read(event.object).failure)
    return invoice_failed(merchant=merchant, told=told, failed_at=event.created_at or now, now=now)


def _address(merchant: Merchant, intent: PaymentIntent) -> str:
    if intent.email or not intent.customer_id:
        return intent.email
    customer = ask(merchant, lambda stripe: stripe.customer(intent.customer_id))
    return customer.email if customer else ""


OPENERS: Mapping[str, Callable[[Merchant, Event, datetime], RecoveryCase | None]] = (
    MappingProxyType(
        {
            EventType.INVOICE_PAYMENT_FAILED: _invoice_failed,
            EventType.PAYMENT_INTENT_PAYMENT_FAILED: _payment_failed,
        }
    )
)
