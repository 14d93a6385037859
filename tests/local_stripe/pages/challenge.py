"""The bank's question to the cardholder (3D Secure), to be passed or failed."""

from tests.local_stripe.billing import charging, collection
from tests.local_stripe.exchange import Reply
from tests.local_stripe.realm import Realm
from tests.local_stripe.shapes import Object

from .layout import frame, html, is_link, message_page, money, see_other
from .visit import Visit


def show(visit: Visit) -> Reply:
    with visit.world.lock:
        found = visit.world.find("payment_intent", visit.path_ids["intent"])
        if found is None:
            return html(message_page("There is no such payment."), status=404)
        realm, intent = found
        if intent["status"] != "requires_action":
            page = message_page(
                "This payment needs no confirmation.", back=_way_back(realm, intent)
            )
            return html(page)
        return _answer(visit, realm, intent) if visit.is_post else _ask(realm, intent)


def _ask(realm: Realm, intent: Object) -> Reply:
    body = (
        "<h1>3D Secure test page</h1><section>"
        f"<p>{realm.account.name} wants to charge your card</p>"
        f'<p class="amount">{money(intent["amount"], intent["currency"])}</p>'
        '<form method="post"><button name="choice" value="complete">Complete</button> '
        '<button class="quiet" name="choice" value="fail">Fail</button></form></section>'
    )
    return html(frame("Confirm payment", body))


def _answer(visit: Visit, realm: Realm, intent: Object) -> Reply:
    if visit.form.get("choice") == "complete":
        payment_method = realm.tables["payment_method"][intent["payment_method"]]
        result = charging.attempt(
            realm, intent, payment_method, off_session=False, is_authenticated=True
        )
    else:
        result = charging.fail_authentication(realm, intent)
    invoice = realm.find("invoice", intent["_invoice"])
    if invoice is not None:
        collection.conclude(realm, invoice, result, is_automatic=False)
    back = _way_back(realm, intent)
    if back is not None and is_link(back):
        return see_other(back)
    done = "Payment confirmed." if result.is_paid else "The payment was not confirmed."
    return html(message_page(done))


def _way_back(realm: Realm, intent: Object) -> str | None:
    invoice = realm.find("invoice", intent["_invoice"])
    if invoice is not None:
        return str(invoice["hosted_invoice_url"])
    return intent.get("_return_url")
