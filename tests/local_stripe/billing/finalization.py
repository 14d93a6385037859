"""A draft becomes an open invoice with a number, a page and a PaymentIntent."""

from tests.local_stripe.ids import new_id
from tests.local_stripe.realm import Realm
from tests.local_stripe.shapes import Object

from .intents import new_intent
from .settings import DAY
from .standing import invoice_settled


def finalize(realm: Realm, invoice: Object) -> None:
    """Opens a draft; one of nothing due is paid at once and never charged."""
    now = realm.now()
    page = f"{realm.world.url}/i/{realm.account.id}/{invoice['id']}"
    with realm.changing(invoice, "invoice.updated"):
        invoice |= {
            "status": "open",
            "number": realm.next_invoice_number(),
            "effective_at": now,
            "ending_balance": 0,
            "automatically_finalizes_at": None,
            "hosted_invoice_url": page,
            "invoice_pdf": f"{page}/pdf",
        }
        invoice["status_transitions"] = {**invoice["status_transitions"], "finalized_at": now}
        if invoice["collection_method"] == "send_invoice" and invoice["due_date"] is None:
            invoice["due_date"] = now + 30 * DAY
    realm.emit("invoice.finalized", invoice)
    if invoice["amount_due"] == 0:
        _settle_nothing(realm, invoice)
    else:
        _ask_for_payment(realm, invoice)


def _ask_for_payment(realm: Realm, invoice: Object) -> None:
    intent = new_intent(
        realm,
        amount=invoice["amount_due"],
        currency=invoice["currency"],
        customer=invoice["customer"],
        description=_description(invoice),
        setup_future_usage="off_session" if invoice["_subscription"] else None,
        # Billing names the invoice here, since PaymentIntents lost their `invoice` field.
        payment_details={"customer_reference": None, "order_reference": invoice["id"]},
        _invoice=invoice["id"],
    )
    invoice["_payment_intent"] = intent["id"]
    payment = {
        "id": new_id("inpay"),
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": invoice["amount_due"],
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "payment": {"payment_intent": intent["id"], "type": "payment_intent"},
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }
    realm.add(payment)


def _description(invoice: Object) -> str:
    reasons = {
        "subscription_create": "Subscription creation",
        "subscription_cycle": "Subscription update",
    }
    return reasons.get(invoice["billing_reason"], "Payment for Invoice")


def _settle_nothing(realm: Realm, invoice: Object) -> None:
    with realm.changing(invoice, "invoice.updated"):
        invoice |= {"status": "paid", "attempted": True, "auto_advance": False}
        invoice["status_transitions"] = {
            **invoice["status_transitions"],
            "paid_at": realm.now(),
        }
    realm.emit("invoice.paid", invoice)
    invoice_settled(realm, invoice)
