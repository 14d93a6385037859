"""/v1/invoice_payments"""

from tests.local_stripe.listing import page
from tests.local_stripe.routing import Call, route
from tests.local_stripe.shapes import Object


@route("GET /v1/invoice_payments", permission="rak_invoice_read")
def list_(call: Call) -> Object:
    asked = call.params.get("payment") or {}
    wanted = asked.get(str(asked.get("type")))
    rows = [
        payment
        for payment in call.realm.all("invoice_payment")
        if not asked or payment["payment"].get(asked["type"]) == wanted
    ]
    return page(call, rows, filters=("invoice", "status"))


@route("GET /v1/invoice_payments/{invoice_payment}", permission="rak_invoice_read")
def retrieve(call: Call) -> Object:
    return call.realm.get("invoice_payment", call.path_ids["invoice_payment"])
