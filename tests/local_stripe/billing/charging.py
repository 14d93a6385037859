"""Charges a card for a PaymentIntent and tells what came of it."""

from dataclasses import dataclass, replace

from tests.local_stripe.cards import Outcome
from tests.local_stripe.declines import Decline
from tests.local_stripe.faults import forced_outcome
from tests.local_stripe.ids import new_id
from tests.local_stripe.realm import Realm
from tests.local_stripe.shapes import Object

from .disputes import open_dispute


@dataclass(frozen=True)
class Result:
    """Exactly one of: paid, declined with `error`, or waiting for the cardholder."""

    is_paid: bool = False
    needs_action: bool = False
    error: Object | None = None


def outcome_of(payment_method: Object) -> Outcome:
    """How that card behaves: as its number says, or as a scenario set it."""
    outcome: Outcome = payment_method["_outcome"]
    return forced_outcome.get() or outcome


def attempt(
    realm: Realm,
    intent: Object,
    payment_method: Object,
    *,
    off_session: bool,
    is_authenticated: bool = False,
    parks_absent_cardholder: bool = False,
) -> Result:
    """One attempt. `parks_absent_cardholder`: Billing waits for a card that must always be
    authenticated even off-session, where a plain PaymentIntent is declined at once."""
    outcome = outcome_of(payment_method)
    if not is_authenticated and _asks_cardholder(outcome):
        waits = not off_session or (
            parks_absent_cardholder and outcome.authenticates == "every_time"
        )
        if waits:
            return _park(realm, intent, payment_method)
        outcome = replace(outcome, decline=Decline("authentication_required"))
    if outcome.decline is not None:
        return _decline(realm, intent, payment_method, outcome.decline)
    return _succeed(realm, intent, payment_method, outcome)


def fail_authentication(realm: Realm, intent: Object) -> Result:
    """The cardholder did not pass the bank's challenge: no charge is made."""
    payment_method = realm.tables["payment_method"][intent["payment_method"]]
    error: Object = {
        "type": "invalid_request_error",
        "code": "payment_intent_authentication_failure",
        "message": "The provided PaymentMethod has failed authentication. You can provide "
        "payment_method_data or a new PaymentMethod to attempt to fulfill this PaymentIntent "
        "again.",
        "doc_url": "https://stripe.com/docs/error-codes/payment-intent-authentication-failure",
        "payment_method": _snapshot(payment_method),
        "payment_method_type": "card",
    }
    _refuse(realm, intent, error)
    return Result(error=error)


def _asks_cardholder(outcome: Outcome) -> bool:
    return outcome.authenticates != "never" and outcome.decline is None


def _park(realm: Realm, intent: Object, payment_method: Object) -> Result:
    intent |= {
        "status": "requires_action",
        "payment_method": payment_method["id"],
        "last_payment_error": None,
        "next_action": {
            "type": "redirect_to_url",
            "redirect_to_url": {
                "return_url": intent.get("_return_url"),
                "url": f"{realm.world.url}/3ds/{intent['id']}",
            },
        },
    }
    realm.emit("payment_intent.requires_action", intent)
    return Result(needs_action=True)


def _decline(realm: Realm, intent: Object, payment_method: Object, decline: Decline) -> Result:
    charge = _charge(realm, intent, payment_method, decline.outcome())
    charge |= {
        "status": "failed",
        "paid": False,
        "captured": False,
        "failure_code": decline.code,
        "failure_message": decline.message,
    }
    realm.emit("charge.failed", charge)
    error = {
        "type": "card_error",
        **decline.error(),
        "charge": charge["id"],
        "payment_method": _snapshot(payment_method),
        "payment_method_type": "card",
    }
    intent["latest_charge"] = charge["id"]
    _refuse(realm, intent, error)
    return Result(error=error)


def _refuse(realm: Realm, intent: Object, error: Object) -> None:
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "last_payment_error": error,
        "next_action": None,
    }
    realm.emit("payment_intent.payment_failed", intent)


def _succeed(realm: Realm, intent: Object, payment_method: Object, outcome: Outcome) -> Result:
    charge = _charge(realm, intent, payment_method, _APPROVED)
    charge |= {
        "status": "succeeded",
        "paid": True,
        "captured": True,
        "amount_captured": intent["amount"],
        "balance_transaction": new_id("txn"),
        "receipt_url": f"{realm.world.url}/receipts/{charge['id']}",
    }
    intent |= {
        "status": "succeeded",
        "payment_method": payment_method["id"],
        "latest_charge": charge["id"],
        "amount_received": intent["amount"],
        "last_payment_error": None,
        "next_action": None,
    }
    realm.emit("charge.succeeded", charge)
    realm.emit("payment_intent.succeeded", intent)
    if outcome.dispute_reason is not None:
        open_dispute(realm, charge, outcome.dispute_reason)
    return Result(is_paid=True)


_APPROVED = {
    "advice_code": None,
    "network_advice_code": None,
    "network_decline_code": None,
    "network_status": "approved_by_network",
    "reason": None,
    "risk_level": "normal",
    "risk_score": 12,
    "seller_message": "Payment complete.",
    "type": "authorized",
}


def _snapshot(payment_method: Object) -> Object:
    return dict(payment_method)


def _charge(realm: Realm, intent: Object, payment_method: Object, outcome: Object) -> Object:
    card = payment_method["card"]
    return realm.add(
        {
            "id": new_id("ch"),
            "object": "charge",
            "amount": intent["amount"],
            "amount_captured": 0,
            "amount_refunded": 0,
            "application": None,
            "application_fee": None,
            "application_fee_amount": None,
            "balance_transaction": None,
            "billing_details": dict(payment_method["billing_details"]),
            "calculated_statement_descriptor": "EXAMPLE INC",
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "failure_balance_transaction": None,
            "failure_code": None,
            "failure_message": None,
            "fraud_details": {},
            "metadata": dict(intent["metadata"]),
            "on_behalf_of": None,
            "outcome": outcome,
            "payment_intent": intent["id"],
            "payment_method": payment_method["id"],
            "payment_method_details": {
                "type": "card",
                "card": {
                    "brand": card["brand"],
                    "checks": card["checks"],
                    "country": card["country"],
                    "exp_month": card["exp_month"],
                    "exp_year": card["exp_year"],
                    "fingerprint": card["fingerprint"],
                    "funding": card["funding"],
                    "last4": card["last4"],
                    "network": card["brand"],
                    "three_d_secure": None,
                    "wallet": None,
                },
            },
            "radar_options": {},
            "receipt_email": intent["receipt_email"],
            "receipt_number": None,
            "receipt_url": None,
            "refunded": False,
            "review": None,
            "shipping": None,
            "source_transfer": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "transfer_data": None,
            "transfer_group": None,
            "_invoice": intent.get("_invoice"),
        }
    )
