"""The home page's tables."""

from datetime import UTC, datetime
from html import escape

from tests.local_stripe.outbox import DeliveryAttempt
from tests.local_stripe.realm import Realm
from tests.local_stripe.shapes import Object

from .layout import button, money, table

SHOWN = 25


def moment(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


def realm_value(realm: Realm) -> str:
    return f"{realm.account.id}:{'live' if realm.livemode else 'test'}"


def realm_name(realm: Realm) -> str:
    return f"{realm.account.id}, {'live' if realm.livemode else 'test'} mode"


def realm_section(realm: Realm) -> str:
    """Everything of one account in one mode."""
    return (
        f"<section><h2>Account {escape(realm_name(realm))}</h2>"
        f"<h3>Customers</h3>{_customers(realm)}"
        f"<h3>Subscriptions</h3>{_subscriptions(realm)}<h3>Invoices</h3>{_invoices(realm)}"
        f"<h3>One-time payments</h3>{_payments(realm)}"
        f"<h3>Webhook endpoints</h3>{_endpoints(realm)}<h3>Events</h3>{_events(realm)}</section>"
    )


def _customers(realm: Realm) -> str:
    rows = []
    for one in _latest(realm, "customer"):
        default = one["invoice_settings"]["default_payment_method"]
        card = (realm.find("payment_method", default) or {}).get("card")
        shown = f"{card['brand'].title()} •••• {card['last4']}" if card else "—"
        rows.append([_who(one), escape(one["email"] or "—"), escape(shown)])
    return table(["Customer", "E-mail", "Card"], rows)


def _subscriptions(realm: Realm) -> str:
    rows = []
    for one in _latest(realm, "subscription"):
        customer = realm.tables["customer"][one["customer"]]
        ends = one["items"]["data"][0]["current_period_end"]
        buttons = button("/do/new_card", "New card", {"customer": customer["id"]})
        if one["status"] not in ("canceled", "incomplete_expired"):
            buttons += button("/do/cancel", "Cancel subscription", {"subscription": one["id"]})
        rows.append([_who(customer), _status(one["status"]), moment(ends), buttons])
    return table(["Customer", "Status", "Renews", ""], rows)


def _invoices(realm: Realm) -> str:
    rows = []
    for one in _latest(realm, "invoice"):
        customer = realm.tables["customer"][one["customer"]]
        url = one["hosted_invoice_url"]
        number = escape(one["number"] or one["id"])
        name = f'<a href="{escape(url)}">{number}</a>' if url else number
        next_at = one["next_payment_attempt"]
        rows.append(
            [
                name,
                _who(customer),
                money(one["amount_due"], one["currency"]),
                _status(one["status"]),
                str(one["attempt_count"]),
                moment(next_at) if next_at else "—",
                _invoice_buttons(one),
            ]
        )
    return table(["Invoice", "Customer", "Amount", "Status", "Attempts", "Next attempt", ""], rows)


def _invoice_buttons(invoice: Object) -> str:
    if invoice["status"] != "open":
        return ""
    fields = {"invoice": invoice["id"]}
    return (
        button("/do/retry", "Retry now", fields)
        + button("/do/pay", "Pay invoice", fields)
        + button("/do/void", "Void", fields)
    )


def _payments(realm: Realm) -> str:
    rows = []
    for one in _latest(realm, "payment_intent"):
        if one["_invoice"] is None:
            error = one["last_payment_error"] or {}
            reason = error.get("decline_code") or error.get("code") or "—"
            amount = money(one["amount"], one["currency"])
            rows.append([f"<code>{one['id']}</code>", amount, _status(one["status"]), reason])
    return table(["Payment", "Amount", "Status", "Declined for"], rows)


def _endpoints(realm: Realm) -> str:
    rows = [
        [escape(one["url"]), _status(one["status"]), str(len(one["enabled_events"]))]
        for one in _latest(realm, "webhook_endpoint")
    ]
    return table(["URL", "Status", "Event types"], rows)


def _events(realm: Realm) -> str:
    rows = [
        [moment(one["created"]), escape(one["type"]), f"<code>{one['id']}</code>",
         str(one["pending_webhooks"])]
        for one in _latest(realm, "event")
    ]  # fmt: skip
    return table(["When", "Type", "Id", "Undelivered"], rows)


def deliveries_section(deliveries: list[DeliveryAttempt]) -> str:
    rows = [
        [moment(one.at), escape(one.event_type), escape(one.url), str(one.attempt),
         _answer(one)]
        for one in reversed(deliveries[-SHOWN:])
    ]  # fmt: skip
    listed = table(["When", "Event", "To", "Attempt", "Answer"], rows)
    return f"<section><h2>Webhook deliveries</h2>{listed}</section>"


def _answer(attempt: DeliveryAttempt) -> str:
    tone = "good" if attempt.is_delivered else "bad"
    return f'<span class="{tone}">{escape(str(attempt.status or attempt.error))}</span>'


def _who(customer: Object) -> str:
    return escape(customer["name"] or customer["email"] or customer["id"])


def _status(status: str) -> str:
    tones = {"active": "good", "paid": "good", "succeeded": "good", "enabled": "good",
             "past_due": "bad", "unpaid": "bad", "open": "warn", "incomplete": "warn",
             "requires_action": "warn", "requires_payment_method": "bad"}  # fmt: skip
    return f'<span class="{tones.get(status, "soft")}">{escape(status)}</span>'


def _latest(realm: Realm, kind: str) -> list[Object]:
    return list(reversed(realm.all(kind)))[:SHOWN]
