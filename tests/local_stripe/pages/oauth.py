"""connect.stripe.com/oauth: an account's owner says yes, and the platform takes the code.

Source: docs.stripe.com/connect/oauth-reference.
"""

import json
from urllib.parse import urlencode

from tests.local_stripe import errors
from tests.local_stripe.errors import ApiError
from tests.local_stripe.exchange import Reply
from tests.local_stripe.forms import decode
from tests.local_stripe.ids import account_id, new_id
from tests.local_stripe.realm import Realm
from tests.local_stripe.shapes import Object

from .layout import frame, html, is_link, message_page, see_other
from .visit import Visit

CONSENT = (
    "<h1>Connect an account</h1><section><p>Recover wants to look at your account and to charge "
    'your customers.</p><form method="post"><label>Account <input name="account" '
    'value="ferntea"></label> <button name="choice" value="yes">Connect</button> '
    '<button class="quiet" name="choice" value="no">Cancel</button></form></section>'
)


def authorize(visit: Visit) -> Reply:
    """Whoever comes says which account is theirs: there are no logins here."""
    asked = {name: str(value) for name, value in decode(visit.request.query).items()}
    back = asked.get("redirect_uri")
    if asked.get("response_type") != "code" or not asked.get("client_id") or not is_link(back):
        return html(message_page("Something is missing from this address."), status=400)
    if not visit.is_post:
        return html(frame("Connect", CONSENT))
    told = {"state": asked.get("state", "")}
    if visit.form.get("choice") == "yes":
        told |= {"scope": asked.get("scope", "read_only"), "code": _code(visit)}
    else:
        told |= {"error": "access_denied", "error_description": "The user denied your request"}
    return see_other(f"{back}?{urlencode(told)}")


def _code(visit: Visit) -> str:
    code = new_id("ac", 32)
    with visit.world.lock:
        visit.world.oauth_codes[code] = account_id(visit.form.get("account", ""))
    return code


def token(visit: Visit) -> Reply:
    """A code is good once."""
    with visit.world.lock:
        try:
            platform = _platform(visit)
        except ApiError as error:
            return _json(error.status, {"error": error.fields})
        id_ = visit.world.oauth_codes.pop(visit.form.get("code", ""), None)
        if visit.form.get("grant_type") != "authorization_code" or id_ is None:
            why = f"Authorization code does not exist: {visit.form.get('code')}"
            return _json(400, {"error": "invalid_grant", "error_description": why})
        account = visit.world.accounts.get(id_) or visit.world.open_account(id_)
        account.platform = platform.account.id
    mode = "live" if platform.livemode else "test"
    told = {
        "access_token": f"sk_{mode}_{new_id('a', 24)}", "livemode": platform.livemode,
        "refresh_token": new_id("rt"), "token_type": "bearer", "scope": "read_write",
        "stripe_publishable_key": f"pk_{mode}_{new_id('a', 24)}", "stripe_user_id": id_,
    }  # fmt: skip
    return _json(200, told)


def deauthorize(visit: Visit) -> Reply:
    id_ = visit.form.get("stripe_user_id", "")
    with visit.world.lock:
        try:
            platform = _platform(visit)
        except ApiError as error:
            return _json(error.status, {"error": error.fields})
        account = visit.world.accounts.get(id_)
        if account is None or account.platform != platform.account.id:
            why = (
                f"This application is not connected to stripe account {id_}, or that account "
                "does not exist."
            )
            return _json(401, {"error": "invalid_client", "error_description": why})
        realm = visit.world.realm(id_, platform.livemode)
        realm.emit("account.application.deauthorized", _application(visit))
        account.platform = None
    return _json(200, {"stripe_user_id": id_})


def _application(visit: Visit) -> Object:
    return {"id": visit.form.get("client_id"), "object": "application", "name": "Recover"}


def _platform(visit: Visit) -> Realm:
    """Whose secret key it is. Raises ApiError."""
    shown = visit.request.headers.get("authorization", "").partition(" ")[2]
    if not shown:
        raise errors.bad_key("")
    return visit.world.realm_of(shown, None)


def _json(status: int, told: Object) -> Reply:
    return Reply(status, json.dumps(told).encode())
