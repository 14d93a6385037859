"""/v1/invoices"""

from typing import Any

from tests.local_stripe import errors
from tests.local_stripe.billing import collection, drafts, standing, subscriptions, wallet
from tests.local_stripe.billing.finalization import finalize as finalize_draft
from tests.local_stripe.billing.settings import DAY
from tests.local_stripe.fields import metadata, take, take_metadata
from tests.local_stripe.listing import page, whole
from tests.local_stripe.realm import Realm
from tests.local_stripe.routing import Call, route
from tests.local_stripe.shapes import Object

from .invoice_items import put_on

_UPDATABLE = ("auto_advance", "collection_method", "custom_fields", "description", "due_date",
              "footer", "statement_descriptor")  # fmt: skip


@route("POST /v1/invoices", permission="rak_invoice_write")
def create(call: Call) -> Object:
    realm, params = call.realm, call.params
    if not params.get("customer"):
        raise errors.missing_param("customer")
    customer = realm.referred("customer", params["customer"], param="customer")
    pending = _pending_items(realm, customer, params)
    currency = params.get("currency") or (pending[0]["currency"] if pending else "usd")
    invoice = drafts.new_draft(
        realm, customer, currency=currency, billing_reason="manual", metadata=metadata(params)
    )
    take(invoice, params, _UPDATABLE)
    if params.get("days_until_due") is not None:
        invoice["due_date"] = realm.now() + params["days_until_due"] * DAY
    _take_payment_method(realm, invoice, params)
    for item in pending:
        put_on(invoice, item)
    realm.emit("invoice.created", invoice)
    if invoice["auto_advance"]:
        due_at = realm.now() + realm.world.billing.finalizes_after_seconds
        invoice["automatically_finalizes_at"] = due_at
        subscriptions.schedule_finalization(realm, invoice, due_at)
    return invoice


def _pending_items(realm: Realm, customer: Object, params: dict[str, Any]) -> list[Object]:
    if params.get("pending_invoice_items_behavior") != "include":
        return []
    return [
        item
        for item in realm.all("invoiceitem")
        if item["customer"] == customer["id"]
        and item["invoice"] is None
        and item["currency"] == params.get("currency", item["currency"])
    ]


def _take_payment_method(realm: Realm, invoice: Object, params: dict[str, Any]) -> None:
    if "default_payment_method" in params:
        id_ = params["default_payment_method"]
        chosen = id_ and wallet.named(realm, id_, param="default_payment_method")
        invoice["default_payment_method"] = chosen and chosen["id"]


@route("GET /v1/invoices/{invoice}", permission="rak_invoice_read")
def retrieve(call: Call) -> Object:
    return _target(call)


@route("POST /v1/invoices/{invoice}", permission="rak_invoice_write")
def update(call: Call) -> Object:
    realm, invoice = call.realm, _target(call)
    with realm.changing(invoice, "invoice.updated"):
        take(invoice, call.params, _UPDATABLE)
        take_metadata(invoice, call.params)
        _take_payment_method(realm, invoice, call.params)
        if call.params.get("auto_advance") is False:
            invoice["next_payment_attempt"] = None  # nothing happens by itself any more
    return invoice


@route("DELETE /v1/invoices/{invoice}", permission="rak_invoice_write")
def delete(call: Call) -> Object:
    invoice = _target(call)
    if invoice["status"] != "draft" or invoice["_subscription"]:
        raise errors.invalid_request("You can only delete draft invoices.")
    invoice["_deleted"] = True
    call.realm.emit("invoice.deleted", invoice)
    return {"id": invoice["id"], "object": "invoice", "deleted": True}


@route("POST /v1/invoices/{invoice}/finalize", permission="rak_invoice_write")
def finalize(call: Call) -> Object:
    realm, invoice = call.realm, _target(call)
    if invoice["status"] != "draft":
        raise errors.invalid_request(
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
            code="invoice_no_longer_editable",
        )
    if "auto_advance" in call.params:
        invoice["auto_advance"] = call.params["auto_advance"]
    finalize_draft(realm, invoice)
    is_charged = invoice["collection_method"] == "charge_automatically"
    if invoice["status"] == "open" and invoice["auto_advance"] and is_charged:
        collection.collect(realm, invoice, wallet.for_invoice(realm, invoice))
    return invoice


@route("POST /v1/invoices/{invoice}/pay", permission="rak_invoice_write")
def pay(call: Call) -> Object:
    realm, params, invoice = call.realm, call.params, _target(call)
    if params.get("paid_out_of_band"):
        collection.pay_out_of_band(realm, invoice)
        return invoice
    collection.check_payable(invoice)
    id_ = params.get("payment_method")
    chosen = wallet.named(realm, id_, param="payment_method_id") if id_ else None
    off_session = params.get("off_session")
    collection.pay(
        realm, invoice, chosen, off_session=True if off_session is None else off_session
    )
    return invoice


@route("POST /v1/invoices/{invoice}/void", permission="rak_invoice_write")
def void(call: Call) -> Object:
    invoice = _target(call)
    if invoice["status"] not in ("open", "uncollectible"):
        raise errors.invalid_request(
            f"You can only void open or uncollectible invoices. This invoice is "
            f"{invoice['status']}."
        )
    standing.close_invoice(call.realm, invoice, "void")
    return invoice


@route("POST /v1/invoices/{invoice}/mark_uncollectible", permission="rak_invoice_write")
def mark_uncollectible(call: Call) -> Object:
    invoice = _target(call)
    if invoice["status"] != "open":
        raise errors.invalid_request(
            "You can only mark open invoices as uncollectible. This invoice is "
            f"{invoice['status']}."
        )
    standing.close_invoice(call.realm, invoice, "uncollectible")
    return invoice


@route("POST /v1/invoices/{invoice}/send", permission="rak_invoice_write")
def send(call: Call) -> Object:
    invoice = _target(call)
    if invoice["status"] == "draft":
        finalize_draft(call.realm, invoice)
    call.realm.emit("invoice.sent", invoice)
    return invoice


@route("GET /v1/invoices/{invoice}/lines", permission="rak_invoice_read")
def lines(call: Call) -> Object:
    return whole(call.path, _target(call)["lines"]["data"])


@route("GET /v1/invoices", permission="rak_invoice_read")
def list_(call: Call) -> Object:
    wanted = call.params.get("subscription")
    rows = [
        invoice
        for invoice in call.realm.all("invoice")
        if wanted is None or invoice["_subscription"] == wanted
    ]
    return page(call, rows, filters=("status", "customer", "collection_method"))


def _target(call: Call) -> Object:
    return call.realm.get("invoice", call.path_ids["invoice"], param="invoice")
