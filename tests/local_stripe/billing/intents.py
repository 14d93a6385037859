"""PaymentIntents as Billing and merchants make them."""

from typing import Any

from tests.local_stripe.ids import new_id
from tests.local_stripe.realm import Realm
from tests.local_stripe.shapes import Object


def new_intent(realm: Realm, *, amount: int, currency: str, **fields: Any) -> Object:
    """A PaymentIntent in its first state, told to whoever listens."""
    id_ = new_id("pi")
    customer = realm.find("customer", fields.get("customer"))
    intent: Object = {
        "id": id_,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": f"{id_}_secret_{new_id('')[1:]}",
        "confirmation_method": "automatic",
        "currency": currency,
        "customer": None,
        "customer_account": None,
        "description": None,
        "last_payment_error": None,
        "latest_charge": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": customer["email"] if customer else None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
        "_invoice": None,
        **fields,
    }
    realm.add(intent)
    realm.emit("payment_intent.created", intent)
    return intent


def cancel_intent(realm: Realm, intent: Object, reason: str | None) -> None:
    """Ends it for good; a succeeded or canceled one stays as it is."""
    if intent["status"] in ("succeeded", "canceled"):
        return
    intent |= {
        "status": "canceled",
        "canceled_at": realm.now(),
        "cancellation_reason": reason,
        "next_action": None,
    }
    realm.emit("payment_intent.canceled", intent)
