"""What a merchant's restricted key may do: what Recover needs, and what each further one is for.

Source: docs.stripe.com/stripe-apps/reference/permissions, with `rak_` before the name.
"""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlencode

REQUIRED: Mapping[str, str] = MappingProxyType(
    {
        "rak_invoice_write": "what is owed is looked up, and charged once a new card is there",
        "rak_payment_intent_read": "why a payment failed",
        "rak_charge_read": "what the bank and the card's network said of it",
        "rak_customer_read": "whom to write to, and which card is the default",
        "rak_subscription_read": "what is paid for, and whether it still goes on",
        "rak_payment_method_read": "which card failed, and which is new",
        "rak_event_read": "events that got lost on their way are looked up",
        "rak_webhook_write": "the endpoint that Stripe tells of payments is made and kept",
        "rak_customer_portal_write": "customers replace their card in Stripe's portal",
    }
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
ALL = (*REQUIRED, *OPTIONAL)
# As the page of a key calls what it may do (dashboard.stripe.com/apikeys): resource, and how much.
_RESOURCES: Mapping[str, str] = MappingProxyType(
    {
        "charge": "Charges and Refunds",
        "customer_portal": "Customer portal",
        "webhook": "Webhook Endpoints",
    }
)


def called(name: str) -> str:
    """`rak_payment_intent_read` → `Payment Intents: Read`, to be found in Stripe's dashboard."""
    resource, _, level = name.removeprefix("rak_").rpartition("_")
    shown = _RESOURCES.get(resource) or f"{resource.replace('_', ' ').title()}s"
    return f"{shown}: {level.title()}"


def named(name: str) -> str:
    """`“Events: Read” (rak_event_read)`; Stripe doesn't always name it."""
    return f"“{called(name)}” ({name})" if name else "a permission that Stripe doesn't name"


def purpose(name: str) -> str:
    """What it is for, also of one that is a part of what is asked for; "" of any other."""
    known = {**REQUIRED, **OPTIONAL}
    return known.get(name) or known.get(f"{name.removesuffix('_read')}_write", "")


def address_of_new_key(*, livemode: bool) -> str:
    """Where in Stripe's dashboard a key with all of them is made; it may have to be told to
    customize permissions, and then the list is gone through by hand."""
    asked = [("name", "Recover"), *(("permissions[]", name) for name in ALL)]
    mode = "" if livemode else "test/"
    return f"https://dashboard.stripe.com/{mode}apikeys/create?{urlencode(asked)}"
