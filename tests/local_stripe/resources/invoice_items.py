"""/v1/invoiceitems"""

from typing import Any

from tests.local_stripe import errors
from tests.local_stripe.billing import drafts
from tests.local_stripe.fields import metadata
from tests.local_stripe.ids import new_id
from tests.local_stripe.listing import page
from tests.local_stripe.realm import Realm
from tests.local_stripe.routing import Call, route
from tests.local_stripe.shapes import Object

from .products import inline_price


@route("POST /v1/invoiceitems", permission="rak_invoice_write")
def create(call: Call) -> Object:
    realm, params = call.realm, call.params
    if not params.get("customer"):
        raise errors.missing_param("customer")
    customer = realm.referred("customer", params["customer"], param="customer")
    quantity = params.get("quantity") or 1
    price = _price(realm, params)
    amount = params.get("amount")
    if amount is None:
        if price is None:
            raise errors.missing_param("amount")
        amount = price["unit_amount"] * quantity
    now = realm.now()
    item = realm.add(
        {
            "id": new_id("ii"),
            "object": "invoiceitem",
            "amount": amount,
            "currency": params.get("currency") or (price["currency"] if price else "usd"),
            "customer": customer["id"],
            "customer_account": None,
            "date": now,
            "description": params.get("description"),
            "discountable": True,
            "discounts": [],
            "invoice": None,
            "metadata": metadata(params),
            "net_amount": amount,
            "parent": None,
            "period": params.get("period") or {"end": now, "start": now},
            "pricing": None,
            "proration": False,
            "quantity": quantity,
            "quantity_decimal": str(quantity),
            "tax_rates": [],
            "test_clock": None,
            "_price": price,
        }
    )
    realm.emit("invoiceitem.created", item)
    if params.get("invoice"):
        invoice = realm.referred("invoice", params["invoice"], param="invoice")
        if invoice["status"] != "draft":
            raise errors.invalid_request("This invoice is no longer editable", param="invoice")
        put_on(invoice, item)
    return item


def put_on(invoice: Object, item: Object) -> None:
    """Takes a pending item onto a draft."""
    item["invoice"] = invoice["id"]
    drafts.add_line(
        invoice,
        amount=item["amount"],
        description=item["description"],
        quantity=item["quantity"],
        price=item["_price"],
        period=item["period"],
        parent={
            "invoice_item_details": {
                "invoice_item": item["id"],
                "proration": False,
                "proration_details": {"credited_items": None},
                "subscription": None,
            },
            "subscription_item_details": None,
            "type": "invoice_item_details",
        },
    )


def _price(realm: Realm, params: dict[str, Any]) -> Object | None:
    if params.get("price_data"):
        return inline_price(realm, params["price_data"])
    id_ = (params.get("pricing") or {}).get("price")
    return realm.referred("price", id_, param="pricing[price]") if id_ else None


@route("GET /v1/invoiceitems/{invoiceitem}", permission="rak_invoice_read")
def retrieve(call: Call) -> Object:
    return call.realm.get("invoiceitem", call.path_ids["invoiceitem"])


@route("GET /v1/invoiceitems", permission="rak_invoice_read")
def list_(call: Call) -> Object:
    rows = call.realm.all("invoiceitem")
    if "pending" in call.params:
        is_pending = call.params["pending"]
        rows = [item for item in rows if (item["invoice"] is None) == is_pending]
    return page(call, rows, filters=("customer", "invoice"))
