"""Which payment method a debt is charged to when nobody names one."""

from datetime import datetime

from recovery import cases, stripe_gateway
from recovery.models import RecoveryCase


def current(*, case: RecoveryCase, now: datetime) -> str:
    """What Stripe itself would charge for the debt now, "" if there is nothing. What it says of
    the invoice is taken over: an event from before its retries were off, told late, must not keep
    Recover from asking. Raises StripeError."""
    gateway = stripe_gateway.of(case.merchant)
    if case.is_one_time:
        customer_id = case.customer.stripe_customer_id if case.customer else ""
        return gateway.customer(customer_id).default_payment_method_id if customer_id else ""
    invoice = gateway.invoice(case.stripe_invoice_id)
    cases.take_over_invoice(case=case, invoice=invoice, at=now)
    return gateway.method_to_charge(invoice)
