"""The Checkout page of a one-time payment."""

from html import escape

from tests.local_stripe.billing.checkout import pay_session
from tests.local_stripe.exchange import Reply
from tests.local_stripe.realm import Realm
from tests.local_stripe.shapes import Object

from . import card_form
from .layout import frame, html, link_back, message_page, money, notice, see_other
from .visit import Visit


def show(visit: Visit) -> Reply:
    with visit.world.lock:
        found = visit.world.find("checkout.session", visit.path_ids["session"])
        if found is None:
            return html(message_page("There is no such Checkout page."), status=404)
        realm, session = found
        if session["status"] != "open":
            return html(message_page("This Checkout page is closed."), status=410)
        return _pay(visit, realm, session) if visit.is_post else _page(visit, realm, session)


def _pay(visit: Visit, realm: Realm, session: Object) -> Reply:
    session["customer_email"] = visit.form.get("email") or session["customer_email"]
    try:
        result = pay_session(realm, session, card_form.read(realm, visit.form))
    except card_form.CardRefusedError as refusal:
        return _page(visit, realm, session, error=str(refusal))
    if result.error is not None:
        return _page(visit, realm, session, error=result.error["message"])
    if session["success_url"]:
        url = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
        return see_other(url)
    return html(message_page("Payment received. Thank you."))


def _page(visit: Visit, realm: Realm, session: Object, *, error: str | None = None) -> Reply:
    lines = "".join(
        f"<p>{line['quantity']} of {escape(line['description'])} — "
        f"{money(line['amount_total'], line['currency'])}</p>"
        for line in session["_line_items"]
    )
    email = escape(session["customer_email"] or "")
    body = (
        f"{link_back(session['cancel_url'])}<h1>Pay {escape(realm.account.name)}</h1>"
        f'{notice(error)}<section><p class="amount">'
        f"{money(session['amount_total'], session['currency'])}</p>{lines}</section>"
        '<section><form method="post" autocomplete="off"><label for="email">E-mail</label>'
        f'<input id="email" name="email" type="email" value="{email}">'
        f"{card_form.fields(visit.form, name='')}<button>Pay</button></form></section>"
    )
    return html(frame("Checkout", body), status=402 if error else 200)
