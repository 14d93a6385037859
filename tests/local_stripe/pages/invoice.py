"""The hosted invoice page: a customer pays one invoice with a card."""

from html import escape

from tests.local_stripe.billing import collection, wallet
from tests.local_stripe.errors import ApiError
from tests.local_stripe.exchange import Reply
from tests.local_stripe.realm import Realm
from tests.local_stripe.shapes import Object

from . import card_form
from .layout import frame, html, message_page, money, notice, see_other
from .visit import Visit


def show(visit: Visit) -> Reply:
    with visit.world.lock:
        found = visit.world.find("invoice", visit.path_ids["invoice"])
        if found is None or found[0].account.id != visit.path_ids["account"]:
            return html(message_page("This invoice does not exist."), status=404)
        realm, invoice = found
        if visit.is_post and invoice["status"] == "open":
            return _pay(visit, realm, invoice)
        return _page(visit, realm, invoice)


def _pay(visit: Visit, realm: Realm, invoice: Object) -> Reply:
    customer = realm.get("customer", invoice["customer"])
    try:
        payment_method = card_form.read(realm, visit.form)
        # A card that is refused when saved is charged unsaved: the decline is then on record.
        if payment_method["_refused_when_saved"] is None:
            wallet.attach(realm, payment_method, customer)
        collection.pay(realm, invoice, payment_method, off_session=False)
    except card_form.CardRefusedError as refusal:
        return _page(visit, realm, invoice, error=str(refusal))
    except ApiError as error:
        if error.fields.get("code") == "invoice_payment_intent_requires_action":
            return see_other(f"/3ds/{invoice['_payment_intent']}")
        return _page(visit, realm, invoice, error=error.fields["message"])
    return see_other(invoice["hosted_invoice_url"])


def _page(visit: Visit, realm: Realm, invoice: Object, *, error: str | None = None) -> Reply:
    lines = "".join(
        f"<p>{escape(line['description'] or 'Item')} — "
        f"{money(line['amount'], line['currency'])}</p>"
        for line in invoice["lines"]["data"]
    )
    body = (
        f"<h1>Invoice {escape(invoice['number'] or 'draft')} from {escape(realm.account.name)}"
        f'</h1>{notice(error)}<section><p class="amount">'
        f"{money(invoice['amount_due'], invoice['currency'])}</p>"
        f"<p>To {escape(invoice['customer_name'] or invoice['customer_email'] or 'customer')}</p>"
        f"{lines}{_status(invoice)}</section>{_ways_to_pay(visit, realm, invoice)}"
    )
    return html(frame("Invoice", body), status=402 if error else 200)


def _status(invoice: Object) -> str:
    words = {
        "paid": ("good", "Paid. Thank you."),
        "open": ("warn", "Not paid yet."),
        "void": ("soft", "Void: nothing is due."),
        "uncollectible": ("soft", "Closed without payment."),
        "draft": ("soft", "Still a draft."),
    }
    tone, text = words[invoice["status"]]
    return f'<p class="{tone}"><strong>{text}</strong></p>'


def _ways_to_pay(visit: Visit, realm: Realm, invoice: Object) -> str:
    if invoice["status"] != "open":
        return ""
    intent = realm.find("payment_intent", invoice["_payment_intent"]) or {}
    authenticate = ""
    if intent.get("status") == "requires_action":
        authenticate = (
            "<section><h2>Your bank asks you to confirm this payment</h2>"
            f'<p><a href="/3ds/{intent["id"]}">Confirm with your bank</a></p></section>'
        )
    name = invoice["customer_name"] or ""
    return (
        f'{authenticate}<section><h2>Pay with a card</h2><form method="post" autocomplete="off">'
        f"{card_form.fields(visit.form, name=name)}<button>Pay invoice</button></form></section>"
    )
