"""The billing portal: a customer replaces the card on file."""

from html import escape

from tests.local_stripe.billing import wallet
from tests.local_stripe.exchange import Reply
from tests.local_stripe.realm import Realm
from tests.local_stripe.resources.billing_portal import is_expired
from tests.local_stripe.shapes import Object

from . import card_form
from .layout import frame, html, link_back, message_page, money, notice, see_other, table
from .visit import Visit


def show(visit: Visit) -> Reply:
    with visit.world.lock:
        found = visit.world.find("billing_portal.session", visit.path_ids["session"])
        if found is None:
            return html(message_page("This portal link does not exist."), status=404)
        realm, session = found
        if is_expired(session, realm.now()):
            page = message_page("This portal link has expired.", back=session["return_url"])
            return html(page, status=410)
        session["_last_used_at"] = realm.now()
        return _save(visit, realm, session) if visit.is_post else _form(visit, realm, session)


def _save(visit: Visit, realm: Realm, session: Object) -> Reply:
    customer = realm.get("customer", session["customer"])
    try:
        payment_method = card_form.read(realm, visit.form)
        card_form.refuse_if_declined(payment_method)
    except card_form.CardRefusedError as refusal:
        return _form(visit, realm, session, error=str(refusal))
    wallet.attach(realm, payment_method, customer)
    wallet.set_up(payment_method)
    wallet.make_default(realm, customer, payment_method)
    completion = (session["flow"] or {}).get("after_completion") or {}
    if completion.get("type") == "redirect":
        return see_other(completion["redirect"]["return_url"])
    if completion.get("type") == "hosted_confirmation":
        text = (completion["hosted_confirmation"] or {}).get("custom_message")
        return html(message_page(text or "Your card was saved.", back=session["return_url"]))
    return _form(visit, realm, session, done="Your card was saved.")


def _form(
    visit: Visit,
    realm: Realm,
    session: Object,
    *,
    error: str | None = None,
    done: str | None = None,
) -> Reply:
    customer = realm.get("customer", session["customer"])
    body = (
        f"{link_back(session['return_url'])}"
        f"<h1>{escape(realm.account.name)} — payment method</h1>"
        f"{notice(error)}{notice(done, tone='good')}"
        f"<section><h2>Card on file</h2>{_card_on_file(realm, customer)}</section>"
        '<section><h2>Add a new card</h2><form method="post" autocomplete="off">'
        f"{card_form.fields(visit.form, name=customer['name'] or '')}"
        "<button>Save card</button></form></section>"
    )
    if session["flow"] is None:
        body += f"<section><h2>Invoices</h2>{_invoices(realm, customer)}</section>"
    return html(frame("Payment method", body), status=402 if error else 200)


def _card_on_file(realm: Realm, customer: Object) -> str:
    id_ = customer["invoice_settings"]["default_payment_method"]
    payment_method = realm.find("payment_method", id_)
    if payment_method is None:
        return '<p class="soft">No card yet.</p>'
    card = payment_method["card"]
    expiry = f"{card['exp_month']:02d}/{card['exp_year'] % 100:02d}"
    return f"<p>{escape(card['brand'].title())} •••• {card['last4']}, expires {expiry}</p>"


def _invoices(realm: Realm, customer: Object) -> str:
    rows = [
        [
            f'<a href="{escape(invoice["hosted_invoice_url"])}">{escape(invoice["number"])}</a>',
            money(invoice["amount_due"], invoice["currency"]),
            escape(invoice["status"]),
        ]
        for invoice in reversed(realm.all("invoice"))
        if invoice["customer"] == customer["id"] and invoice["hosted_invoice_url"]
    ]
    return table(["Invoice", "Amount", "Status"], rows)
