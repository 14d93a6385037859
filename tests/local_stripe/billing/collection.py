"""Collects open invoices: by the merchant's call, by the customer, or by the calendar."""

from tests.local_stripe import errors
from tests.local_stripe.realm import Realm
from tests.local_stripe.shapes import Object

from . import charging, wallet
from .charging import Result
from .finalization import finalize
from .intents import cancel_intent
from .retries import plan_next_attempt
from .standing import cancel_payments, invoice_settled, invoice_unpaid


def pay(
    realm: Realm, invoice: Object, payment_method: Object | None, *, off_session: bool
) -> None:
    """What `POST /v1/invoices/{invoice}/pay` does; raises the 402 of a charge that failed."""
    check_payable(invoice)
    chosen = payment_method or wallet.for_invoice(realm, invoice)
    if chosen is None and invoice["amount_due"]:
        raise errors.invalid_request(
            "There is no default_payment_method set on this Customer or Invoice. Please set a "
            "default payment method or pass one in.",
            code="resource_missing",
        )
    if chosen is not None and chosen["customer"] not in (None, invoice["customer"]):
        raise errors.invalid_request(
            f"The customer does not have a payment method with the ID {chosen['id']}. The "
            "payment method must be attached to the customer.",
            code="resource_missing",
            param="payment_method",
        )
    if invoice["status"] == "draft":
        finalize(realm, invoice)
    if invoice["status"] == "paid" or chosen is None:
        return
    result = collect(realm, invoice, chosen, off_session=off_session, is_automatic=False)
    raise_unless_paid(realm, invoice, result)


def check_payable(invoice: Object) -> None:
    if invoice["status"] == "paid":
        raise errors.invalid_request("Invoice is already paid")
    if invoice["status"] not in ("draft", "open"):
        raise errors.invalid_request(
            "You can only pass in open invoices. This invoice isn't open."
        )


def raise_unless_paid(realm: Realm, invoice: Object, result: Result) -> None:
    intent = realm.tables["payment_intent"][invoice["_payment_intent"]]
    if result.needs_action:
        raise errors.card_error(
            {
                "code": "invoice_payment_intent_requires_action",
                "doc_url": "https://stripe.com/docs/error-codes/"
                "invoice-payment-intent-requires-action",
                "message": "This payment requires additional user action before it can be "
                "completed successfully. Payment can be completed using the PaymentIntent "
                f"associated with invoice: {invoice['id']}. For more details see: "
                "https://stripe.com/docs/billing/subscriptions/overview#requires-action",
                "payment_intent": intent,
            }
        )
    if result.error is not None:
        raise errors.card_error({**result.error, "payment_intent": intent})


def collect(
    realm: Realm,
    invoice: Object,
    payment_method: Object | None,
    *,
    off_session: bool = True,
    is_automatic: bool = True,
) -> Result:
    """Charges the invoice once and draws the consequences."""
    intent = realm.tables["payment_intent"][invoice["_payment_intent"]]
    if payment_method is None:
        # Nothing to charge is a failed attempt too, though no charge tells of it.
        result = Result(error={"type": "invalid_request_error", "code": "resource_missing"})
    else:
        result = charging.attempt(
            realm,
            intent,
            payment_method,
            off_session=off_session,
            parks_absent_cardholder=True,
        )
    if result.error is not None and payment_method is not None:
        decline_code = result.error.get("decline_code") or result.error["code"]
        invoice["_failed_with"] = (payment_method["id"], decline_code)
    conclude(realm, invoice, result, is_automatic=is_automatic)
    return result


def conclude(realm: Realm, invoice: Object, result: Result, *, is_automatic: bool) -> None:
    """Invoice, payment and subscription follow what came of the charge."""
    intent = realm.tables["payment_intent"][invoice["_payment_intent"]]
    invoice["_charge"] = intent["latest_charge"]
    if result.is_paid:
        attempts = (
            invoice["attempt_count"] + 1 if is_automatic else max(invoice["attempt_count"], 1)
        )
        _settle(realm, invoice, paid_with_charge=True, attempts=attempts)
        return
    if result.needs_action and not is_automatic:
        realm.emit("invoice.payment_action_required", invoice)
        return
    with realm.changing(invoice, "invoice.updated"):
        invoice["attempted"] = True
        if is_automatic or invoice["attempt_count"] == 0:
            invoice["attempt_count"] += 1
        if is_automatic:
            plan_next_attempt(realm, invoice)
    if result.needs_action or (result.error or {}).get("code") == "authentication_required":
        realm.emit("invoice.payment_action_required", invoice)
    realm.emit("invoice.payment_failed", invoice)
    invoice_unpaid(realm, invoice)


def pay_out_of_band(realm: Realm, invoice: Object) -> None:
    """The merchant was paid elsewhere: no charge, so no `invoice.payment_succeeded` either."""
    check_payable(invoice)
    if invoice["status"] == "draft":
        finalize(realm, invoice)
    intent = realm.find("payment_intent", invoice["_payment_intent"])
    if intent is not None:
        cancel_intent(realm, intent, "automatic")
    cancel_payments(realm, invoice)
    invoice["_paid_out_of_band"] = True
    _settle(realm, invoice, paid_with_charge=False, attempts=invoice["attempt_count"])


def _settle(realm: Realm, invoice: Object, *, paid_with_charge: bool, attempts: int) -> None:
    now = realm.now()
    if paid_with_charge:
        _settle_payments(realm, invoice)
    with realm.changing(invoice, "invoice.updated"):
        invoice |= {
            "status": "paid",
            "amount_paid": invoice["amount_due"] if paid_with_charge else 0,
            "amount_paid_off_stripe": 0 if paid_with_charge else invoice["amount_due"],
            "amount_remaining": 0,
            "attempted": True,
            "attempt_count": attempts,
            "auto_advance": False,
            "next_payment_attempt": None,
        }
        invoice["status_transitions"] = {**invoice["status_transitions"], "paid_at": now}
    realm.emit("invoice.paid", invoice)
    if paid_with_charge:
        realm.emit("invoice.payment_succeeded", invoice)
    invoice_settled(realm, invoice)


def _settle_payments(realm: Realm, invoice: Object) -> None:
    for payment in realm.all("invoice_payment"):
        if payment["invoice"] == invoice["id"] and payment["status"] == "open":
            payment |= {"status": "paid", "amount_paid": payment["amount_requested"]}
            payment["status_transitions"] = {
                **payment["status_transitions"],
                "paid_at": realm.now(),
            }
            realm.emit("invoice_payment.paid", payment)
