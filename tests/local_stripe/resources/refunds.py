"""/v1/refunds"""

from typing import Any

from tests.local_stripe import errors
from tests.local_stripe.fields import metadata
from tests.local_stripe.ids import new_id
from tests.local_stripe.listing import page
from tests.local_stripe.realm import Realm
from tests.local_stripe.routing import Call, route
from tests.local_stripe.shapes import Object


@route("POST /v1/refunds", permission="rak_charge_write")
def create(call: Call) -> Object:
    realm, params = call.realm, call.params
    charge = _charge(realm, params)
    rest = charge["amount"] - charge["amount_refunded"]
    if rest == 0:
        raise errors.invalid_request(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    amount = rest if params.get("amount") is None else params["amount"]
    if not 0 < amount <= rest:
        raise errors.invalid_request(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({rest})",
            param="amount",
        )
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    refund = realm.add(
        {
            "id": new_id("re"),
            "object": "refund",
            "amount": amount,
            "balance_transaction": new_id("txn"),
            "charge": charge["id"],
            "currency": charge["currency"],
            "destination_details": {
                "card": {"reference_status": "pending", "type": "refund"},
                "type": "card",
            },
            "metadata": metadata(params),
            "payment_intent": charge["payment_intent"],
            "reason": params.get("reason"),
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": "succeeded",
            "transfer_reversal": None,
        }
    )
    realm.emit("refund.created", refund)
    realm.emit("charge.refunded", charge)
    return refund


def _charge(realm: Realm, params: dict[str, Any]) -> Object:
    if params.get("charge"):
        return realm.referred("charge", params["charge"], param="charge")
    if not params.get("payment_intent"):
        raise errors.missing_param("charge")
    intent = realm.referred("payment_intent", params["payment_intent"], param="payment_intent")
    if intent["status"] != "succeeded":
        raise errors.invalid_request(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
            param="payment_intent",
        )
    return realm.referred("charge", intent["latest_charge"], param="charge")


@route("GET /v1/refunds/{refund}", permission="rak_charge_read")
def retrieve(call: Call) -> Object:
    return call.realm.get("refund", call.path_ids["refund"])


@route("GET /v1/refunds", permission="rak_charge_read")
def list_(call: Call) -> Object:
    return page(call, call.realm.all("refund"), filters=("charge", "payment_intent"))
