"""/v1/payment_pages: how the CLI's triggers pay at Checkout without a browser."""

from tests.local_stripe import errors
from tests.local_stripe.billing import wallet
from tests.local_stripe.billing.checkout import pay_session
from tests.local_stripe.routing import Call, route
from tests.local_stripe.shapes import Object


@route("GET /v1/payment_pages/{session}")
def retrieve(call: Call) -> Object:
    return call.realm.get("checkout.session", call.path_ids["session"])


@route("POST /v1/payment_pages/{session}/confirm")
def confirm(call: Call) -> Object:
    session = call.realm.get("checkout.session", call.path_ids["session"])
    if not call.params.get("payment_method"):
        raise errors.missing_param("payment_method")
    chosen = wallet.named(call.realm, call.params["payment_method"], param="payment_method")
    result = pay_session(call.realm, session, chosen)
    if result.error is not None:
        raise errors.card_error(result.error)
    return session
