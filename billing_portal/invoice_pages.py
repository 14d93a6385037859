"""Stripe's own page of an invoice: where it is paid or, if the bank asks, confirmed."""

from datetime import datetime

from recovery import cases
from recovery.asking import ask
from recovery.models import RecoveryCase


def address(case: RecoveryCase, *, now: datetime) -> str:
    """Where the page is now; where it was last known to be if Stripe can't be asked; "" if nobody
    knows. An address lives for a month or so, and for ten days at least after Stripe gave it
    (docs.stripe.com/invoicing/hosted-invoice-page)."""
    if not case.stripe_invoice_id:
        return ""
    invoice = ask(case.merchant, lambda stripe: stripe.bare_invoice(case.stripe_invoice_id))
    if invoice is not None:
        cases.take_over_invoice(case=case, invoice=invoice, at=now)
        case.refresh_from_db(fields=["hosted_invoice_url"])
    return case.hosted_invoice_url
