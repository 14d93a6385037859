"""An invoice's own PaymentIntent, known by its likeness where nobody can be asked.

A failed invoice is told of twice, as an invoice and as a PaymentIntent. Since 2025-03-31 neither
names the other, and only Stripe can tell that they belong together. A merchant without a key has
nobody to ask: there, a PaymentIntent of the same customer over the same amount that failed in the
same minute is the invoice's.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from recovery import cases, failures, inbox
from recovery.models import Merchant, RecoveryCase, StripeEvent
from recovery.reading import UnreadablePayloadError
from recovery.state_machine import Status
from recovery.stripe_events import Event, UnreadableEventError
from recovery.stripe_objects import Invoice


@transaction.atomic
def unite(case: RecoveryCase, *, now: datetime) -> RecoveryCase:
    """The invoice's case, if `case` is one or has such a twin, else `case` itself.

    The one-time case of a PaymentIntent that turns out to be an invoice's is voided, and what its
    events told is to be told to the invoice's case, which from now on is found by them.
    """
    if case.is_one_time:
        invoices = RecoveryCase.objects.exclude(stripe_invoice_id="").filter(
            stripe_payment_intent_id=""
        )
        if owner := _like(case, invoices).first():
            return _hand_over(case, owner, now=now)
        _void_if_of_a_checkout(case, now=now)
        return case
    if not case.stripe_payment_intent_id:
        twin = _like(case, RecoveryCase.objects.filter(stripe_invoice_id="")).first()
        return _hand_over(twin, case, now=now) if twin else case
    return case


def forget_checkout(merchant: Merchant, invoice: Invoice, *, now: datetime) -> None:
    """An abandoned checkout opens nothing, so neither does its own PaymentIntent."""
    payments = RecoveryCase.objects.of(merchant).filter(stripe_invoice_id="", status=Status.OPEN)
    of_customer = (
        payments.filter(customer__stripe_customer_id=invoice.customer_id)
        if invoice.customer_id
        else payments.filter(customer__email=invoice.customer_email)
    )
    for case in of_customer.select_related("customer"):
        _void_if_of_a_checkout(case, now=now)


def _void_if_of_a_checkout(case: RecoveryCase, *, now: datetime) -> None:
    stored = inbox.failed_invoices(case.merchant, around=case.opened_at)
    if any(_is_its_checkout(event, case) for event in stored):
        failures.forget(case)
        cases.belongs_to_invoice(case=case, now=now)


def _is_its_checkout(stored: StripeEvent, case: RecoveryCase) -> bool:
    try:
        event = Event.parse(stored.payload)
        invoice = Invoice.read(event.object)
    except (UnreadableEventError, UnreadablePayloadError):
        return False
    if not invoice.is_checkout or event.created_at is None or case.customer is None:
        return False
    debtor = (invoice.customer_id, "" if invoice.customer_id else invoice.customer_email)
    customer = case.customer
    return (
        debtor == (customer.stripe_customer_id, "" if invoice.customer_id else customer.email)
        and (invoice.amount_owed, invoice.currency) == (case.amount, case.currency)
        and abs(event.created_at - case.failed_at) <= failures.SAME_ATTEMPT
    )


def _like(case: RecoveryCase, others: QuerySet[RecoveryCase]) -> QuerySet[RecoveryCase]:
    """Those of `others` that nobody else is the twin of and that failed when `case` did."""
    if case.customer_id is None:
        return others.none()
    times = Q(pk=None)
    for attempted_at in case.attempts.values_list("attempted_at", flat=True):
        times |= Q(
            attempts__attempted_at__range=(
                attempted_at - failures.SAME_ATTEMPT,
                attempted_at + failures.SAME_ATTEMPT,
            )
        )
    alike = others.filter(
        times,
        merchant_id=case.merchant_id,
        customer_id=case.customer_id,
        amount=case.amount,
        currency=case.currency,
    )
    return alike.distinct().order_by("id")


def _hand_over(twin: RecoveryCase, owner: RecoveryCase, *, now: datetime) -> RecoveryCase:
    failures.forget(twin)
    cases.belongs_to_invoice(case=twin, now=now)
    return cases.is_paid_by(case=owner, intent_id=twin.stripe_payment_intent_id)
