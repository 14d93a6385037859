"""/v1/charges and /v1/disputes"""

from tests.local_stripe.listing import page
from tests.local_stripe.routing import Call, route
from tests.local_stripe.shapes import Object


@route("GET /v1/charges/{charge}", permission="rak_charge_read")
def retrieve(call: Call) -> Object:
    return call.realm.get("charge", call.path_ids["charge"])


@route("GET /v1/charges", permission="rak_charge_read")
def list_(call: Call) -> Object:
    return page(call, call.realm.all("charge"), filters=("customer", "payment_intent"))


@route("GET /v1/disputes/{dispute}", permission="rak_dispute_read")
def retrieve_dispute(call: Call) -> Object:
    return call.realm.get("dispute", call.path_ids["dispute"])


@route("GET /v1/disputes", permission="rak_dispute_read")
def list_disputes(call: Call) -> Object:
    return page(call, call.realm.all("dispute"), filters=("charge", "payment_intent"))
