"""How a subscription stands, as its invoices are paid or not."""

from tests.local_stripe.realm import Realm
from tests.local_stripe.shapes import Object

from .intents import cancel_intent


def invoice_settled(realm: Realm, invoice: Object) -> None:
    """Paid, voided or written off: the subscription is in order when nothing else is overdue."""
    subscription = realm.find("subscription", invoice["_subscription"])
    if subscription is None or subscription["status"] not in ("incomplete", "past_due", "unpaid"):
        return
    if subscription["status"] == "incomplete" and invoice["status"] != "paid":
        return
    overdue = [
        other
        for other in realm.all("invoice")
        if other["_subscription"] == subscription["id"]
        and other["status"] == "open"
        and other["attempted"]
    ]
    if not overdue:
        change_status(realm, subscription, "active")


def invoice_unpaid(realm: Realm, invoice: Object) -> None:
    """A renewal failed: the subscription is past due. A first payment leaves it incomplete."""
    subscription = realm.find("subscription", invoice["_subscription"])
    if subscription is not None and subscription["status"] in ("active", "trialing"):
        change_status(realm, subscription, "past_due")


def change_status(realm: Realm, subscription: Object, status: str) -> None:
    with realm.changing(subscription, "customer.subscription.updated"):
        subscription["status"] = status


def end_subscription(
    realm: Realm, subscription: Object, *, reason: str, feedback: Object | None = None
) -> None:
    """Cancels at once. Its open invoice stays open, so it may still be paid."""
    now = realm.now()
    subscription |= {
        "status": "canceled",
        "canceled_at": subscription["canceled_at"] or now,
        "ended_at": now,
        "cancellation_details": {
            "comment": None,
            "feedback": None,
            **(feedback or {}),
            "reason": reason,
        },
    }
    for invoice in realm.all("invoice"):
        if invoice["_subscription"] == subscription["id"] and invoice["status"] == "open":
            with realm.changing(invoice, "invoice.updated"):
                invoice |= {"auto_advance": False, "next_payment_attempt": None}
    realm.emit("customer.subscription.deleted", subscription)


def expire_incomplete(realm: Realm, subscription: Object) -> None:
    """The first payment never came: the subscription and its invoice end."""
    change_status(realm, subscription, "incomplete_expired")
    subscription["ended_at"] = realm.now()
    invoice = realm.find("invoice", subscription["latest_invoice"])
    if invoice is not None and invoice["status"] == "open":
        close_invoice(realm, invoice, "void")


def close_invoice(realm: Realm, invoice: Object, status: str) -> None:
    """`void` or `uncollectible`: nobody asks for its money any more."""
    moments = {"void": "voided_at", "uncollectible": "marked_uncollectible_at"}
    events = {"void": "invoice.voided", "uncollectible": "invoice.marked_uncollectible"}
    with realm.changing(invoice, "invoice.updated"):
        invoice |= {"status": status, "auto_advance": False, "next_payment_attempt": None}
        invoice["status_transitions"] = {
            **invoice["status_transitions"],
            moments[status]: realm.now(),
        }
    realm.emit(events[status], invoice)
    intent = realm.find("payment_intent", invoice["_payment_intent"])
    if status == "void" and intent is not None:
        cancel_intent(realm, intent, "void_invoice")
        cancel_payments(realm, invoice)
    invoice_settled(realm, invoice)


def cancel_payments(realm: Realm, invoice: Object) -> None:
    for payment in realm.all("invoice_payment"):
        if payment["invoice"] == invoice["id"] and payment["status"] == "open":
            payment["status"] = "canceled"
            payment["status_transitions"] = {
                **payment["status_transitions"],
                "canceled_at": realm.now(),
            }
