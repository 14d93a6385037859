"""Invoices that failed before Recover heard of anything, as Stripe lists them."""

from datetime import datetime

from recovery.failed_invoices import invoice_failed
from recovery.models import Merchant, RecoveryCase
from recovery.stripe_gateway import StripeGateway


def failed_invoices(merchant: Merchant, gateway: StripeGateway, *, now: datetime) -> int:
    """Open a case for each that is owed and has none; how many those are. Raises StripeError."""
    known = RecoveryCase.objects.of(merchant)
    before = known.count()
    for invoice in gateway.open_invoices():
        invoice_failed(
            merchant=merchant, told=invoice, failed_at=invoice.created_at or now, now=now
        )
    return known.count() - before
