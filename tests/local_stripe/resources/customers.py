"""/v1/customers"""

from tests.local_stripe.billing import standing, wallet
from tests.local_stripe.fields import address, shipping, take, take_metadata
from tests.local_stripe.ids import ALPHABET, new_id
from tests.local_stripe.listing import page
from tests.local_stripe.realm import Realm
from tests.local_stripe.routing import Call, route
from tests.local_stripe.shapes import Object

_PLAIN = ("description", "email", "name", "phone", "preferred_locales", "tax_exempt", "balance")


@route("POST /v1/customers", permission="rak_customer_write")
def create(call: Call) -> Object:
    customer = new_customer(call.realm)
    _take_over(customer, call)
    call.realm.emit("customer.created", customer)
    _save_payment_methods(call, customer)
    return customer


def new_customer(realm: Realm) -> Object:
    return realm.add(
        {
            "id": new_id("cus", 14),
            "object": "customer",
            "address": None,
            "balance": 0,
            "currency": None,
            "customer_account": None,
            "default_source": None,
            "delinquent": False,
            "description": None,
            "discount": None,
            "email": None,
            "invoice_prefix": new_id("", 9)[1:].upper().translate(_NO_SIGNS),
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            "metadata": {},
            "name": None,
            "next_invoice_sequence": 1,
            "phone": None,
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": None,
        }
    )


_NO_SIGNS = {ord(sign): None for sign in map(chr, range(128)) if sign not in ALPHABET}


@route("GET /v1/customers/{customer}", permission="rak_customer_read")
def retrieve(call: Call) -> Object:
    found = call.realm.find("customer", call.path_ids["customer"])
    if found is not None and found.get("_deleted"):
        return {"id": found["id"], "object": "customer", "deleted": True}
    return call.realm.get("customer", call.path_ids["customer"])


@route("POST /v1/customers/{customer}", permission="rak_customer_write")
def update(call: Call) -> Object:
    customer = call.realm.get("customer", call.path_ids["customer"])
    with call.realm.changing(customer, "customer.updated"):
        _take_over(customer, call)
        settings = call.params.get("invoice_settings") or {}
        if settings.get("default_payment_method"):
            id_ = settings["default_payment_method"]
            where = "invoice_settings[default_payment_method]"
            chosen = wallet.named(call.realm, id_, param=where)
            wallet.attach(call.realm, chosen, customer)
            settings = {**settings, "default_payment_method": chosen["id"]}
        customer["invoice_settings"] = {**customer["invoice_settings"], **settings}
        wallet.take_source(call.realm, customer, call.params)
    return customer


@route("DELETE /v1/customers/{customer}", permission="rak_customer_write")
def delete(call: Call) -> Object:
    """Its subscriptions end with it, at once."""
    realm = call.realm
    customer = realm.get("customer", call.path_ids["customer"])
    for subscription in realm.all("subscription"):
        is_over = subscription["status"] in ("canceled", "incomplete_expired")
        if subscription["customer"] == customer["id"] and not is_over:
            standing.end_subscription(realm, subscription, reason="cancellation_requested")
    customer["_deleted"] = True
    realm.emit("customer.deleted", customer)
    return {"id": customer["id"], "object": "customer", "deleted": True}


@route("GET /v1/customers", permission="rak_customer_read")
def list_(call: Call) -> Object:
    return page(call, call.realm.all("customer"), filters=("email",))


@route("GET /v1/customers/{customer}/payment_methods", permission="rak_payment_method_read")
def payment_methods(call: Call) -> Object:
    customer = call.realm.get("customer", call.path_ids["customer"], param="customer")
    mine = [one for one in call.realm.all("payment_method") if one["customer"] == customer["id"]]
    return page(call, mine, filters=("type",))


def _take_over(customer: Object, call: Call) -> None:
    params = call.params
    take(customer, params, _PLAIN)
    take_metadata(customer, params)
    if "address" in params:
        customer["address"] = address(params["address"])
    if "shipping" in params:
        customer["shipping"] = shipping(params["shipping"])


def _save_payment_methods(call: Call, customer: Object) -> None:
    """`payment_method` is saved; the same test token as the default means the same card."""
    realm, given = call.realm, call.params.get("payment_method")
    saved: dict[str, Object] = {}
    default = (call.params.get("invoice_settings") or {}).get("default_payment_method")
    for param, id_ in (
        ("payment_method", given),
        ("invoice_settings[default_payment_method]", default),
    ):
        if id_ and id_ not in saved:
            saved[id_] = wallet.named(realm, id_, param=param)
            wallet.attach(realm, saved[id_], customer)
    if default:
        wallet.make_default(realm, customer, saved[default])
