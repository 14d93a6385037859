"""/v1/subscriptions"""

from typing import Any

from tests.local_stripe import errors
from tests.local_stripe.billing import standing, subscriptions, wallet
from tests.local_stripe.billing.collection import raise_unless_paid
from tests.local_stripe.billing.drafts import NO_TAX
from tests.local_stripe.billing.settings import DAY
from tests.local_stripe.fields import metadata, take, take_metadata
from tests.local_stripe.ids import new_id
from tests.local_stripe.listing import page, whole
from tests.local_stripe.realm import Realm
from tests.local_stripe.routing import Call, route
from tests.local_stripe.shapes import Object

from .products import inline_price

_UPDATABLE = ("cancel_at", "cancel_at_period_end", "collection_method", "days_until_due",
              "description", "pause_collection")  # fmt: skip


@route("POST /v1/subscriptions", permission="rak_subscription_write")
def create(call: Call) -> Object:
    realm, params = call.realm, call.params
    if not params.get("customer"):
        raise errors.missing_param("customer")
    customer = realm.referred("customer", params["customer"], param="customer")
    if not params.get("items"):
        raise errors.missing_param("items")
    subscription = new_subscription(realm, customer, params)
    take(subscription, params, _UPDATABLE)
    behavior = params.get("payment_behavior") or "allow_incomplete"
    default = params.get("default_payment_method")
    if default:
        chosen = wallet.named(realm, default, param="default_payment_method")
        subscription["default_payment_method"] = chosen["id"]
    _check_payable(realm, customer, subscription, behavior)
    result = subscriptions.start(realm, subscription, charges_now=behavior != "default_incomplete")
    if result is not None and behavior == "error_if_incomplete":
        invoice = realm.get("invoice", subscription["latest_invoice"])
        raise_unless_paid(realm, invoice, result)
    return subscription


def new_subscription(realm: Realm, customer: Object, params: dict[str, Any]) -> Object:
    """Stored, but not yet billed: `billing.subscriptions.start` does that."""
    id_ = new_id("sub")
    now = realm.now()
    items = [_item(realm, id_, given) for given in params["items"]]
    trial_end = _trial_end(params, now)
    if trial_end is not None:
        for item in items:
            item["current_period_end"] = trial_end
    is_due_at_once = trial_end is None and params.get("collection_method") != "send_invoice"
    return realm.add(
        {
            "id": id_,
            "object": "subscription",
            "application": None,
            "application_fee_percent": None,
            "automatic_tax": dict(NO_TAX),
            "billing_cycle_anchor": trial_end or now,
            "billing_cycle_anchor_config": None,
            "billing_mode": {"flexible": None, "type": "classic"},
            "billing_schedules": [],
            "billing_thresholds": None,
            "cancel_at": None,
            "cancel_at_period_end": False,
            "canceled_at": None,
            "cancellation_details": {"comment": None, "feedback": None, "reason": None},
            "collection_method": "charge_automatically",
            "currency": items[0]["price"]["currency"],
            "customer": customer["id"],
            "customer_account": None,
            "days_until_due": None,
            "default_payment_method": None,
            "default_source": None,
            "default_tax_rates": [],
            "description": None,
            "discounts": [],
            "ended_at": None,
            "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
            "items": {
                **whole(f"/v1/subscription_items?subscription={id_}", items),
                "total_count": len(items),
            },
            "latest_invoice": None,
            "metadata": metadata(params),
            "next_pending_invoice_item_invoice": None,
            "on_behalf_of": None,
            "pause_collection": None,
            "payment_settings": {
                "payment_method_options": None,
                "payment_method_types": None,
                "save_default_payment_method": "off",
            },
            "pending_invoice_item_interval": None,
            "pending_setup_intent": None,
            "pending_update": None,
            "schedule": None,
            "start_date": now,
            "status": _first_status(trial_end, is_due_at_once=is_due_at_once),
            "test_clock": None,
            "transfer_data": None,
            "trial_end": trial_end,
            "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
            "trial_start": now if trial_end else None,
        }
    )


def _first_status(trial_end: int | None, *, is_due_at_once: bool) -> str:
    if trial_end is not None:
        return "trialing"
    return "incomplete" if is_due_at_once else "active"


def _trial_end(params: dict[str, Any], now: int) -> int | None:
    if params.get("trial_period_days"):
        return now + int(params["trial_period_days"]) * DAY
    asked = params.get("trial_end")
    return int(asked) if asked and asked != "now" else None


def _item(realm: Realm, subscription_id: str, given: dict[str, Any]) -> Object:
    if given.get("price_data"):
        price = inline_price(realm, given["price_data"])
    else:
        id_ = given.get("price") or given.get("plan")
        if not id_:
            raise errors.missing_param("items[0][price]")
        price = realm.referred("price", id_, param="items[0][price]")
    if price["recurring"] is None:
        raise errors.invalid_request(
            "The price specified is set to `type=one_time` but this field only accepts prices "
            "with `type=recurring`.",
            param="items[0][price]",
        )
    return subscriptions.new_item(
        realm, subscription_id, price, quantity=given.get("quantity") or 1
    )


def _check_payable(realm: Realm, customer: Object, subscription: Object, behavior: str) -> None:
    """Without any card to charge Stripe refuses, unless the payment is to be confirmed later."""
    default = customer["invoice_settings"]["default_payment_method"]
    has_card = default or subscription["default_payment_method"]
    if has_card or behavior == "default_incomplete" or subscription["status"] != "incomplete":
        return
    if all(item["price"]["unit_amount"] == 0 for item in subscription["items"]["data"]):
        return
    realm.tables["subscription"].pop(subscription["id"])
    raise errors.invalid_request(
        "This customer has no attached payment source or default payment method. Please "
        "consider adding a default payment method. For more information, visit "
        "https://stripe.com/docs/billing/subscriptions/payment-methods-setting"
        "#payment-method-priority.",
        code="resource_missing",
    )


@route("GET /v1/subscriptions/{subscription_exposed_id}", permission="rak_subscription_read")
def retrieve(call: Call) -> Object:
    return _target(call)


@route("POST /v1/subscriptions/{subscription_exposed_id}", permission="rak_subscription_write")
def update(call: Call) -> Object:
    realm, params, subscription = call.realm, call.params, _target(call)
    with realm.changing(subscription, "customer.subscription.updated"):
        take(subscription, params, _UPDATABLE)
        take_metadata(subscription, params)
        if "cancel_at_period_end" in params:
            _note_cancellation(realm, subscription)
        if "default_payment_method" in params:
            id_ = params["default_payment_method"]
            chosen = id_ and wallet.named(realm, id_, param="default_payment_method")
            subscription["default_payment_method"] = chosen and chosen["id"]
        wallet.take_source(realm, subscription, params)
    return subscription


def _note_cancellation(realm: Realm, subscription: Object) -> None:
    is_ending = subscription["cancel_at_period_end"]
    end = subscription["items"]["data"][0]["current_period_end"]
    subscription |= {
        "cancel_at": end if is_ending else None,
        "canceled_at": realm.now() if is_ending else None,
        "cancellation_details": {
            "comment": None,
            "feedback": None,
            "reason": "cancellation_requested" if is_ending else None,
        },
    }


@route("DELETE /v1/subscriptions/{subscription_exposed_id}", permission="rak_subscription_write")
def cancel(call: Call) -> Object:
    subscription = _target(call)
    if subscription["status"] in ("canceled", "incomplete_expired"):
        raise errors.resource_missing("subscription", subscription["id"], param="id")
    standing.end_subscription(
        call.realm,
        subscription,
        reason="cancellation_requested",
        feedback=call.params.get("cancellation_details"),
    )
    return subscription


@route("GET /v1/subscriptions", permission="rak_subscription_read")
def list_(call: Call) -> Object:
    """Without a status: everything but what was canceled."""
    status = call.params.get("status")
    rows = [one for one in call.realm.all("subscription") if _has_status(one, status)]
    return page(call, rows, filters=("customer", "collection_method"))


def _has_status(subscription: Object, asked: str | None) -> bool:
    if asked == "all":
        return True
    if asked == "ended":
        return subscription["status"] in ("canceled", "incomplete_expired")
    if asked is None:
        return bool(subscription["status"] != "canceled")
    return bool(subscription["status"] == asked)


def _target(call: Call) -> Object:
    return call.realm.get("subscription", call.path_ids["subscription_exposed_id"])
