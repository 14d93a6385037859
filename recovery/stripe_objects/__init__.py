"""Stripe's objects as the facts that Recover acts on.

One reader serves webhook payloads and API answers of every version from 2020-08-27 to
2026-10-28: each fact is looked for where new versions have it, then where old ones had it, and
never by asking which version it is (a payload may mix both).
"""

from recovery.stripe_objects.charges import (
    NEEDS_AUTHENTICATION,
    NO_PAYMENT_METHOD,
    Charged,
    Failure,
    PaymentMethod,
    Reversal,
)
from recovery.stripe_objects.customers import Customer
from recovery.stripe_objects.invoices import Invoice
from recovery.stripe_objects.payment_intents import (
    UNDER_WAY,
    PaymentIntent,
    invoice_of_payment_intent,
)

__all__ = [
    "NEEDS_AUTHENTICATION",
    "NO_PAYMENT_METHOD",
    "UNDER_WAY",
    "Charged",
    "Customer",
    "Failure",
    "Invoice",
    "PaymentIntent",
    "PaymentMethod",
    "Reversal",
    "invoice_of_payment_intent",
]
