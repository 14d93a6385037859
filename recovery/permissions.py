"""What a merchant's restricted key may do: what Recover needs, and what each further one is for.

Source: docs.stripe.com/stripe-apps/reference/permissions, with `rak_` before the name.
"""

from collections.abc import Mapping
from types import MappingProxyType

REQUIRED = (
    "rak_invoice_write",
    "rak_payment_intent_read",
    "rak_charge_read",
    "rak_customer_read",
    "rak_subscription_read",
    "rak_payment_method_read",
    "rak_event_read",
    "rak_webhook_write",
    "rak_customer_portal_write",
)
OPTIONAL: Mapping[str, str] = MappingProxyType(
    {
        "rak_checkout_session_write": "one-time payments are paid at Stripe's Checkout, by guests "
        "too",
        "rak_payment_intent_write": "a failed one-time payment is charged to a new card, or given "
        "up for Checkout",
        "rak_customer_write": "a new card is kept as the customer's default",
        "rak_subscription_write": "a new card is kept as the subscription's, and campaigns may "
        "end subscriptions",
    }
)
