"""/v1/payment_methods"""

from dataclasses import replace
from typing import Any

from tests.local_stripe import cards, errors
from tests.local_stripe.billing import wallet
from tests.local_stripe.cards import Card
from tests.local_stripe.declines import Decline
from tests.local_stripe.fields import take_metadata
from tests.local_stripe.listing import page
from tests.local_stripe.routing import Call, route
from tests.local_stripe.shapes import Object


@route("POST /v1/payment_methods", permission="rak_payment_method_write")
def create(call: Call) -> Object:
    if call.params.get("type") != "card":
        raise errors.missing_param("type")
    card = card_from(call.params.get("card") or {})
    details = call.params.get("billing_details")
    payment_method = wallet.new_payment_method(call.realm, card, billing_details=details)
    payment_method["metadata"] = call.params.get("metadata") or {}
    return payment_method


def card_from(given: dict[str, Any]) -> Card:
    """A test card from a token or from the numbers typed in; raises the 402 of an invalid one."""
    if given.get("token"):
        by_token = cards.by_token(given["token"])
        if by_token is None:
            raise errors.resource_missing("token", given["token"], param="card[token]", status=400)
        return by_token
    found = cards.by_number(str(given.get("number") or ""))
    if found is None:
        error = Decline("incorrect_number").error()
        raise errors.card_error({**error, "param": "number"})
    month, year = given.get("exp_month"), given.get("exp_year")
    return replace(found, exp_month=int(month or 12), exp_year=int(year or found.exp_year))


@route("GET /v1/payment_methods/{payment_method}", permission="rak_payment_method_read")
def retrieve(call: Call) -> Object:
    return _target(call)


@route("POST /v1/payment_methods/{payment_method}", permission="rak_payment_method_write")
def update(call: Call) -> Object:
    payment_method = _target(call)
    with call.realm.changing(payment_method, "payment_method.updated"):
        take_metadata(payment_method, call.params)
        details = call.params.get("billing_details") or {}
        payment_method["billing_details"] = {**payment_method["billing_details"], **details}
        card = call.params.get("card") or {}
        payment_method["card"] = {**payment_method["card"], **card}
    return payment_method


@route("POST /v1/payment_methods/{payment_method}/attach", permission="rak_payment_method_write")
def attach(call: Call) -> Object:
    if not call.params.get("customer"):
        raise errors.missing_param("customer")
    customer = call.realm.referred("customer", call.params["customer"], param="customer")
    payment_method = _target(call)
    wallet.attach(call.realm, payment_method, customer)
    return payment_method


@route("POST /v1/payment_methods/{payment_method}/detach", permission="rak_payment_method_write")
def detach(call: Call) -> Object:
    payment_method = _target(call)
    if payment_method["customer"] is None:
        raise errors.invalid_request(
            "The payment method you provided is not attached to a customer so detachment is "
            "impossible."
        )
    wallet.detach(call.realm, payment_method)
    return payment_method


@route("GET /v1/payment_methods", permission="rak_payment_method_read")
def list_(call: Call) -> Object:
    return page(call, call.realm.all("payment_method"), filters=("customer", "type"))


def _target(call: Call) -> Object:
    return wallet.named(call.realm, call.path_ids["payment_method"], param="payment_method")
