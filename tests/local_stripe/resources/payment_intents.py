"""/v1/payment_intents"""

from typing import Any

from tests.local_stripe import errors
from tests.local_stripe.billing import charging, collection, wallet
from tests.local_stripe.billing.intents import cancel_intent, new_intent
from tests.local_stripe.fields import metadata, take, take_metadata
from tests.local_stripe.listing import page
from tests.local_stripe.realm import Realm
from tests.local_stripe.routing import Call, route
from tests.local_stripe.shapes import Object

from .payment_methods import card_from

_CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
_FIELDS = ("description", "receipt_email", "setup_future_usage", "statement_descriptor",
           "capture_method")  # fmt: skip


@route("POST /v1/payment_intents", permission="rak_payment_intent_write")
def create(call: Call) -> Object:
    realm, params = call.realm, call.params
    if params["amount"] < 1:
        raise errors.bad_param(
            "This value must be greater than or equal to 1.",
            param="amount",
            code="parameter_invalid_integer",
        )
    customer = params.get("customer")
    if customer:
        realm.referred("customer", customer, param="customer")
    chosen = _payment_method(realm, params)
    given = {name: params[name] for name in _FIELDS if params.get(name) is not None}
    intent = new_intent(
        realm,
        amount=params["amount"],
        currency=params["currency"].lower(),
        customer=customer,
        metadata=metadata(params),
        **given,
    )
    if params.get("payment_details"):
        intent["payment_details"] = {
            "customer_reference": None,
            "order_reference": None,
            **params["payment_details"],
        }
    if chosen is not None:
        intent |= {"payment_method": chosen["id"], "status": "requires_confirmation"}
    if params.get("confirm"):
        _confirm(realm, intent, params, chosen)
    return intent


@route("GET /v1/payment_intents/{intent}", permission="rak_payment_intent_read")
def retrieve(call: Call) -> Object:
    return _target(call)


@route("POST /v1/payment_intents/{intent}", permission="rak_payment_intent_write")
def update(call: Call) -> Object:
    intent = _target(call)
    take(intent, call.params, (*_FIELDS, "amount", "customer"))
    take_metadata(intent, call.params)
    chosen = _payment_method(call.realm, call.params)
    if chosen is not None:
        # Stripe clears the error when the intent moves on.
        intent |= {
            "payment_method": chosen["id"],
            "status": "requires_confirmation",
            "last_payment_error": None,
        }
    return intent


@route("POST /v1/payment_intents/{intent}/confirm", permission="rak_payment_intent_write")
def confirm(call: Call) -> Object:
    intent = _target(call)
    _refuse_if_of_checkout(intent)
    if intent["status"] not in _CONFIRMABLE:
        raise _unexpected_state(intent, "confirm", _CONFIRMABLE)
    _confirm(call.realm, intent, call.params, _payment_method(call.realm, call.params))
    return intent


def _confirm(realm: Realm, intent: Object, params: dict[str, Any], chosen: Object | None) -> None:
    payment_method = chosen or realm.find("payment_method", intent["payment_method"])
    if payment_method is None:
        raise errors.invalid_request(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You "
            "can either update the PaymentIntent with a payment method and then confirm it "
            "again, or confirm it again directly with a payment method or ConfirmationToken.",
            code="payment_intent_unexpected_state",
            payment_intent=intent,
        )
    owner = payment_method["customer"]
    if owner is not None and owner != intent["customer"]:
        raise errors.invalid_request(
            f"The payment method {payment_method['id']} belongs to a customer; please also pass "
            "that customer.",
            param="customer",
        )
    intent["_return_url"] = params.get("return_url")
    # true, false, one_off or recurring
    off_session = str(params.get("off_session") or False).lower() != "false"
    invoice = realm.find("invoice", intent["_invoice"])
    if invoice is not None:
        result = collection.collect(
            realm, invoice, payment_method, off_session=off_session, is_automatic=False
        )
    else:
        result = charging.attempt(realm, intent, payment_method, off_session=off_session)
    if result.error is not None:
        raise errors.card_error({**result.error, "payment_intent": intent})


@route("POST /v1/payment_intents/{intent}/cancel", permission="rak_payment_intent_write")
def cancel(call: Call) -> Object:
    intent = _target(call)
    _refuse_if_of_checkout(intent)
    if intent["status"] not in _CONFIRMABLE:
        raise _unexpected_state(intent, "cancel", (*_CONFIRMABLE, "requires_capture"))
    cancel_intent(call.realm, intent, call.params.get("cancellation_reason"))
    return intent


@route("GET /v1/payment_intents", permission="rak_payment_intent_read")
def list_(call: Call) -> Object:
    return page(call, call.realm.all("payment_intent"), filters=("customer",))


def _payment_method(realm: Realm, params: dict[str, Any]) -> Object | None:
    if params.get("payment_method"):
        return wallet.named(realm, params["payment_method"], param="payment_method")
    data = params.get("payment_method_data")
    if not data:
        return None
    card = card_from(data.get("card") or {})
    return wallet.new_payment_method(realm, card, billing_details=data.get("billing_details"))


def _refuse_if_of_checkout(intent: Object) -> None:
    """It is confirmed on Checkout's page and ends with its session."""
    if intent.get("_session"):
        raise errors.invalid_request(
            "You cannot perform this action on PaymentIntents created by Checkout."
        )


def _unexpected_state(intent: Object, verb: str, allowed: tuple[str, ...]) -> errors.ApiError:
    participle = {"confirm": "confirm", "cancel": "cancel"}[verb]
    return errors.invalid_request(
        f"You cannot {participle} this PaymentIntent because it has a status of "
        f"{intent['status']}. Only a PaymentIntent with one of the following statuses may be "
        f"{verb}ed: {', '.join(allowed)}.",
        code="payment_intent_unexpected_state",
        payment_intent=intent,
    )


def _target(call: Call) -> Object:
    return call.realm.get("payment_intent", call.path_ids["intent"], param="intent")
