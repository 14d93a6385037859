"""Which case a thing of Stripe's is about, and the case as it is now."""

from django.db.models import Q

from recovery.models import Checkout, Merchant, RecoveryCase


def concerning(merchant: Merchant, stripe_id: str) -> list[RecoveryCase]:
    """The cases that an invoice, PaymentIntent or subscription is about."""
    if not stripe_id:
        return []
    found = list(
        RecoveryCase.objects.of(merchant).filter(
            Q(stripe_invoice_id=stripe_id)
            | Q(stripe_payment_intent_id=stripe_id)
            | Q(stripe_subscription_id=stripe_id)
        )
    )
    return found or paid_through_checkout(merchant, stripe_id)


def paid_through_checkout(merchant: Merchant, intent_id: str) -> list[RecoveryCase]:
    """The case that a Checkout's own PaymentIntent pays."""
    checkouts = Checkout.objects.of(merchant).filter(payment_intent_id=intent_id)
    return [checkout.case for checkout in checkouts.select_related("case") if intent_id]


def invoice_of_payment(merchant: Merchant, intent_id: str) -> str:
    """The invoice that a PaymentIntent is known to pay, "" where no case says so."""
    known = (case.stripe_invoice_id for case in concerning(merchant, intent_id))
    return next(filter(None, known), "")


def keys(case: RecoveryCase) -> list[str]:
    """The Stripe ids by which events find the case."""
    found = [case.stripe_invoice_id, case.stripe_payment_intent_id, case.stripe_subscription_id]
    if case.is_one_time:
        found += case.checkouts.order_by("pk").values_list("payment_intent_id", flat=True)
    return [key for key in found if key]


def locked(case: RecoveryCase) -> RecoveryCase:
    """The case as it is now, held until the transaction ends."""
    return RecoveryCase.objects.select_for_update().get(pk=case.pk)
