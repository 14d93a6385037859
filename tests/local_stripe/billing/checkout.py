"""A Checkout Session is paid with a card, or expires."""

from tests.local_stripe.realm import Realm
from tests.local_stripe.shapes import Object

from . import charging, wallet
from .charging import Result
from .intents import cancel_intent, new_intent


def pay_session(realm: Realm, session: Object, payment_method: Object) -> Result:
    """Charges what the session asks for; a decline leaves it open for another card."""
    intent = realm.find("payment_intent", session["payment_intent"])
    if intent is None:
        intent = _new_intent(realm, session)
    if session["customer"]:
        customer = realm.get("customer", session["customer"])
        if payment_method["_refused_when_saved"] is None:
            wallet.attach(realm, payment_method, customer)
    result = charging.attempt(
        realm, intent, payment_method, off_session=False, is_authenticated=True
    )
    if result.is_paid:
        details = payment_method["billing_details"]
        session |= {
            "status": "complete",
            "payment_status": "paid",
            "url": None,
            "customer_details": {
                "address": None,
                "business_name": None,
                "email": session["customer_email"] or details["email"],
                "individual_name": None,
                "name": details["name"],
                "phone": None,
                "tax_exempt": "none",
                "tax_ids": [],
            },
        }
        realm.emit("checkout.session.completed", session)
    return result


def _new_intent(realm: Realm, session: Object) -> Object:
    data = session["_intent_data"]
    intent = new_intent(
        realm,
        amount=session["amount_total"],
        currency=session["currency"],
        customer=session["customer"],
        description=data.get("description"),
        metadata=data.get("metadata") or {},
        _session=session["id"],
    )
    session["payment_intent"] = intent["id"]
    return intent


def expire_in_time(realm: Realm, session: Object) -> None:
    """Plans the end of an unpaid session at its `expires_at`."""

    def end() -> None:
        if session["status"] == "open":
            expire_session(realm, session)

    realm.world.schedule.at(session["expires_at"], end)


def expire_session(realm: Realm, session: Object) -> None:
    """Nobody can pay there any more; a payment that was tried there is canceled with it."""
    session |= {"status": "expired", "url": None}
    intent = realm.find("payment_intent", session["payment_intent"])
    if intent is not None:
        cancel_intent(realm, intent, "expired")
    realm.emit("checkout.session.expired", session)
