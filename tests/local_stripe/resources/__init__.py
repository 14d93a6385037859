"""The API's resources: one module per object of Stripe's, registered by being imported."""

from tests.local_stripe.routing import ROUTES

from . import (
    accounts,
    billing_portal,
    charges,
    checkout_sessions,
    customers,
    events,
    invoice_items,
    invoice_payments,
    invoices,
    payment_intents,
    payment_methods,
    payment_pages,
    plans,
    products,
    refunds,
    subscriptions,
    webhook_endpoints,
)

__all__ = [
    "ROUTES",
    "accounts",
    "billing_portal",
    "charges",
    "checkout_sessions",
    "customers",
    "events",
    "invoice_items",
    "invoice_payments",
    "invoices",
    "payment_intents",
    "payment_methods",
    "payment_pages",
    "plans",
    "products",
    "refunds",
    "subscriptions",
    "webhook_endpoints",
]
