"""Subscriptions: how they begin, renew and end with time."""

from tests.local_stripe.ids import new_id
from tests.local_stripe.realm import Realm
from tests.local_stripe.shapes import Object

from . import drafts, periods, wallet
from .charging import Result
from .collection import collect
from .finalization import finalize
from .standing import end_subscription, expire_incomplete

_ALIVE = ("active", "past_due", "trialing", "unpaid")


def start(realm: Realm, subscription: Object, *, charges_now: bool) -> Result | None:
    """Bills the first period. `charges_now` is False for `payment_behavior=default_incomplete`."""
    realm.emit("customer.subscription.created", subscription)
    is_trial = subscription["trial_end"] is not None
    invoice = _bill(realm, subscription, "subscription_create", is_free=is_trial)
    finalize(realm, invoice)
    _schedule_renewal(realm, subscription)
    if is_trial or invoice["status"] == "paid":
        return None
    result = None
    if subscription["collection_method"] == "charge_automatically" and charges_now:
        payment_method = wallet.for_invoice(realm, invoice)
        result = collect(realm, invoice, payment_method, off_session=False, is_automatic=False)
    if subscription["status"] == "incomplete":
        due_at = realm.now() + realm.world.billing.incomplete_expires_after_seconds
        id_ = subscription["id"]
        realm.world.schedule.at(due_at, lambda: _expire(realm, id_))
    return result


def renew(realm: Realm, subscription: Object) -> Object:
    """Begins the next period and drafts its invoice, which is finalized an hour later."""
    recurring = subscription["items"]["data"][0]["price"]["recurring"]
    with realm.changing(subscription, "customer.subscription.updated"):
        for item in subscription["items"]["data"]:
            begins_at = item["current_period_end"]
            item["current_period_start"] = begins_at
            item["current_period_end"] = periods.after(
                begins_at, recurring["interval"], recurring["interval_count"]
            )
        if subscription["status"] == "trialing":
            subscription["status"] = "active"
        invoice = _bill(realm, subscription, "subscription_cycle", is_free=False)
    _schedule_renewal(realm, subscription)
    if subscription["status"] == "unpaid":
        invoice["auto_advance"] = False
        return invoice
    due_at = realm.now() + realm.world.billing.finalizes_after_seconds
    invoice["automatically_finalizes_at"] = due_at
    schedule_finalization(realm, invoice, due_at)
    return invoice


def schedule_finalization(realm: Realm, invoice: Object, due_at: int) -> None:
    id_ = invoice["id"]
    realm.world.schedule.at(due_at, lambda: finalize_and_collect(realm, id_))


def finalize_and_collect(realm: Realm, invoice_id: str) -> None:
    """What happens by itself to a draft that advances automatically."""
    invoice = realm.find("invoice", invoice_id)
    if invoice is None or invoice["status"] != "draft" or not invoice["auto_advance"]:
        return
    finalize(realm, invoice)
    if invoice["status"] == "open" and invoice["collection_method"] == "charge_automatically":
        collect(realm, invoice, wallet.for_invoice(realm, invoice))


def new_item(realm: Realm, subscription_id: str, price: Object, *, quantity: int) -> Object:
    """A subscription item for the period that begins now."""
    recurring = price["recurring"]
    return {
        "id": new_id("si", 14),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": realm.now(),
        "current_period_end": periods.after(
            realm.now(), recurring["interval"], recurring["interval_count"]
        ),
        "current_period_start": realm.now(),
        "discounts": [],
        "metadata": {},
        "price": price,
        "quantity": quantity,
        "subscription": subscription_id,
        "tax_rates": [],
    }


def _bill(realm: Realm, subscription: Object, reason: str, *, is_free: bool) -> Object:
    customer = realm.get("customer", subscription["customer"])
    invoice = drafts.new_draft(
        realm,
        customer,
        currency=subscription["currency"],
        billing_reason=reason,
        auto_advance=reason == "subscription_cycle",
        collection_method=subscription["collection_method"],
    )
    drafts.bill_subscription(invoice, subscription)
    for item in subscription["items"]["data"]:
        _add_item(invoice, subscription, item, is_free=is_free)
    subscription["latest_invoice"] = invoice["id"]
    realm.emit("invoice.created", invoice)
    return invoice


def _add_item(invoice: Object, subscription: Object, item: Object, *, is_free: bool) -> None:
    price, quantity = item["price"], item["quantity"]
    amount = 0 if is_free else (price["unit_amount"] or 0) * quantity
    unit = f"${(price['unit_amount'] or 0) / 100:.2f} / {price['recurring']['interval']}"
    drafts.add_line(
        invoice,
        amount=amount,
        description=f"{quantity} × {price['_product_name']} (at {unit})",
        quantity=quantity,
        price=price,
        subscription=subscription["id"],
        period={"start": item["current_period_start"], "end": item["current_period_end"]},
        parent={
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": False,
                "proration_details": {"credited_items": None},
                "subscription": subscription["id"],
                "subscription_item": item["id"],
            },
            "type": "subscription_item_details",
        },
        _subscription_item=item["id"],
    )


def _schedule_renewal(realm: Realm, subscription: Object) -> None:
    due_at = subscription["items"]["data"][0]["current_period_end"]
    id_ = subscription["id"]
    realm.world.schedule.at(due_at, lambda: _renew_if_due(realm, id_, due_at))


def _renew_if_due(realm: Realm, subscription_id: str, due_at: int) -> None:
    subscription = realm.find("subscription", subscription_id)
    if subscription is None or subscription["status"] not in _ALIVE:
        return
    if subscription["items"]["data"][0]["current_period_end"] != due_at:
        return
    if subscription["cancel_at_period_end"]:
        end_subscription(realm, subscription, reason="cancellation_requested")
        return
    renew(realm, subscription)


def _expire(realm: Realm, subscription_id: str) -> None:
    subscription = realm.find("subscription", subscription_id)
    if subscription is not None and subscription["status"] == "incomplete":
        expire_incomplete(realm, subscription)
