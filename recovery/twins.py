"""An invoice's own PaymentIntent, known by its likeness where nobody can be asked.

A failed invoice is told of twice, as an invoice and as a PaymentIntent. Since 2025-03-31 neither
names the other, and only Stripe can tell that they belong together. A merchant without a key has
nobody to ask: there, a PaymentIntent of the same customer over the same amount that failed in the
same minute is the invoice's.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from recovery import cases, failures
from recovery.models import RecoveryCase


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
        owner = _like(case, invoices).first()
        return _hand_over(case, owner, now=now) if owner else case
    if not case.stripe_payment_intent_id:
        twin = _like(case, RecoveryCase.objects.filter(stripe_invoice_id="")).first()
        return _hand_over(twin, case, now=now) if twin else case
    return case


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
