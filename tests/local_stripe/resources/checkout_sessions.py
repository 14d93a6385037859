"""/v1/checkout/sessions, for one-time payments"""

from typing import Any

from tests.local_stripe import errors
from tests.local_stripe.billing.checkout import expire_in_time, expire_session
from tests.local_stripe.billing.settings import DAY
from tests.local_stripe.fields import metadata
from tests.local_stripe.ids import new_id
from tests.local_stripe.listing import page, whole
from tests.local_stripe.realm import Realm
from tests.local_stripe.routing import Call, route
from tests.local_stripe.shapes import Object

from .products import inline_price

_LEAST_LIFE = 30 * 60
_NO_TAX = {"enabled": False, "liability": None, "provider": None, "status": None}


@route("POST /v1/checkout/sessions", permission="rak_checkout_session_write")
def create(call: Call) -> Object:
    realm, params = call.realm, call.params
    if params.get("mode") != "payment":
        raise errors.invalid_request("Only `mode=payment` is offered here.", param="mode")
    if not params.get("line_items"):
        raise errors.missing_param("line_items")
    if params.get("customer") and params.get("customer_email"):
        raise errors.invalid_request(
            "You may only specify one of these parameters: customer, customer_email."
        )
    if params.get("customer"):
        realm.referred("customer", params["customer"], param="customer")
    lines = [_line(realm, given) for given in params["line_items"]]
    total = sum(line["amount_total"] for line in lines)
    id_ = new_id("cs_live" if realm.livemode else "cs_test", 58)
    session = realm.add(
        {
            "id": id_,
            "object": "checkout.session",
            "adaptive_pricing": None,
            "after_expiration": None,
            "allow_promotion_codes": None,
            "amount_subtotal": total,
            "amount_total": total,
            "automatic_tax": dict(_NO_TAX),
            "billing_address_collection": None,
            "cancel_url": params.get("cancel_url"),
            "client_reference_id": params.get("client_reference_id"),
            "client_secret": None,
            "collected_information": None,
            "consent": None,
            "consent_collection": None,
            "currency": lines[0]["currency"],
            "currency_conversion": None,
            "custom_fields": [],
            "custom_text": dict.fromkeys(
                ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
            ),
            "customer": params.get("customer"),
            "customer_account": None,
            "customer_creation": "if_required",
            "customer_details": None,
            "customer_email": params.get("customer_email"),
            "discounts": [],
            "expires_at": _expiry(realm, params),
            "invoice": None,
            "invoice_creation": None,
            "locale": params.get("locale"),
            "metadata": metadata(params),
            "mode": "payment",
            "origin_context": None,
            "payment_intent": None,
            "payment_link": None,
            "payment_method_collection": "if_required",
            "payment_method_configuration_details": None,
            "payment_method_options": {},
            "payment_method_types": ["card"],
            "payment_status": "unpaid",
            "permissions": None,
            "phone_number_collection": {"enabled": False},
            "recovered_from": None,
            "saved_payment_method_options": None,
            "setup_intent": None,
            "shipping_address_collection": None,
            "shipping_cost": None,
            "shipping_options": [],
            "status": "open",
            "submit_type": None,
            "subscription": None,
            "success_url": params.get("success_url"),
            "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
            "ui_mode": "hosted_page",
            "url": f"{realm.world.url}/c/pay/{id_}",
            "wallet_options": None,
            "_line_items": lines,
            "_intent_data": params.get("payment_intent_data") or {},
        }
    )
    expire_in_time(realm, session)
    return session


def _expiry(realm: Realm, params: dict[str, Any]) -> int:
    expires_at = int(params.get("expires_at") or realm.now() + DAY)
    bounds = (
        (expires_at < realm.now() + _LEAST_LIFE, "at least 30 minutes"),
        (expires_at > realm.now() + DAY, "less than 24 hours"),
    )
    for is_beyond, bound in bounds:
        if is_beyond:
            raise errors.invalid_request(
                f"The `expires_at` timestamp must be {bound} from Checkout Session creation.",
                param="expires_at",
            )
    return expires_at


def _line(realm: Realm, given: dict[str, Any]) -> Object:
    if given.get("price_data"):
        price = inline_price(realm, given["price_data"])
    else:
        price = realm.referred("price", given["price"], param="line_items[0][price]")
    quantity = given.get("quantity") or 1
    amount = price["unit_amount"] * quantity
    return {
        "id": new_id("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": price["_product_name"],
        "metadata": {},
        "price": price,
        "quantity": quantity,
    }


@route("GET /v1/checkout/sessions/{session}", permission="rak_checkout_session_read")
def retrieve(call: Call) -> Object:
    return _target(call)


@route("GET /v1/checkout/sessions/{session}/line_items", permission="rak_checkout_session_read")
def line_items(call: Call) -> Object:
    return whole(call.path, _target(call)["_line_items"])


@route("POST /v1/checkout/sessions/{session}/expire", permission="rak_checkout_session_write")
def expire(call: Call) -> Object:
    session = _target(call)
    if session["status"] != "open":
        raise errors.invalid_request(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout '
            f"Session has a status of {session['status']}."
        )
    expire_session(call.realm, session)
    return session


@route("GET /v1/checkout/sessions", permission="rak_checkout_session_read")
def list_(call: Call) -> Object:
    return page(
        call,
        call.realm.all("checkout.session"),
        filters=("customer", "payment_intent", "status"),
    )


def _target(call: Call) -> Object:
    return call.realm.get("checkout.session", call.path_ids["session"], param="session")
