"""The home page: what is in this Stripe, and buttons that make things happen."""

from decimal import Decimal
from html import escape
from typing import Any

from tests.local_stripe.errors import ApiError
from tests.local_stripe.exchange import Reply
from tests.local_stripe.realm import Realm
from tests.local_stripe.scenarios import DEFAULT_KEY

from . import home_tables
from .layout import button, frame, html, message_page, notice, see_other
from .visit import Visit

REASONS = {
    "expired_card": "Expired card",
    "insufficient_funds": "Insufficient funds",
    "generic_decline": "Card declined, no reason given",
    "do_not_honor": "Do not honor",
    "lost_card": "Lost card",
    "stolen_card": "Stolen card",
    "incorrect_cvc": "Wrong security code",
    "processing_error": "Processing error",
    "authentication_required": "Authentication required (declined)",
    "3ds": "Authentication required (waits for the customer)",
    "revocation_of_authorization": "Customer revoked the authorization",
}
LEAST, MOST = Decimal("0.50"), Decimal("999999.99")  # Stripe's own limits, in dollars
_EXAMPLES = (
    ("Maria Lindqvist", "maria@example.com"),
    ("Tom Okafor", "tom@example.com"),
    ("Priya Nair", "priya@example.com"),
    ("Diego Fuentes", "diego@example.com"),
)
# What the buttons may do, and whether it happens to an account rather than to an object.
_ACTIONS = {
    "renewal_fails": True,
    "subscriber": True,
    "one_time_fails": True,
    "retry": False,
    "pay": False,
    "void": False,
    "cancel": False,
    "new_card": False,
}


def show(visit: Visit) -> Reply:
    with visit.world.lock:
        realms = [realm for realm in visit.world.realms() if realm.tables]
        body = (
            "<h1>Try Recover without Stripe</h1>"
            "<p>Make a payment fail here and watch what Recover does about it. Everything on this "
            "page is made up and gone when this program ends.</p>"
            f"{_clock(visit)}{_new_failure(visit, realms)}{_one_time(visit)}"
            f"{''.join(home_tables.realm_section(realm) for realm in realms)}"
            f"{home_tables.deliveries_section(visit.local_stripe.deliveries)}"
        )
    return html(frame("Home", body, is_narrow=False))


def do(visit: Visit) -> Reply:
    """Presses a button."""
    action = visit.path_ids["action"]
    if not visit.is_post or (action not in _ACTIONS and action != "advance"):
        return html(message_page("There is no such button.", back="/"), status=404)
    try:
        _press(visit, action)
    except (ApiError, TypeError, ValueError, ArithmeticError) as error:
        text = error.fields["message"] if isinstance(error, ApiError) else "That did not work."
        body = f"<h1>Not done</h1>{notice(str(text))}<p><a href='/'>← Back</a></p>"
        return html(frame("Not done", body), status=400)
    return see_other("/")


def _press(visit: Visit, action: str) -> None:
    given: dict[str, Any] = {name: value for name, value in visit.form.items() if value}
    if action == "advance":
        visit.local_stripe.clock.advance(days=float(given.get("days", 1)))
        return
    if _ACTIONS[action]:
        given |= _account_fields(visit, given.pop("realm", ""))
    for name in ("price", "amount"):
        if name in given:
            given[name] = _cents(given[name])
    visit.local_stripe.scenarios.play(action, given)


def _cents(text: str) -> int:
    """`49.00` → 4900. Raises ApiError for what Stripe doesn't charge in dollars."""
    try:
        amount = Decimal(text.strip())
    except ArithmeticError:
        amount = Decimal("NaN")
    if not (amount.is_finite() and LEAST <= amount <= MOST and amount == round(amount, 2)):
        raise ApiError(400, {"message": f"Write an amount from {LEAST} to {MOST:,}, as 49.00."})
    return int(amount * 100)


def _account_fields(visit: Visit, chosen: str) -> dict[str, str]:
    """The key of the account that was chosen; a connected one is reached through its platform."""
    account, _, mode = chosen.partition(":")
    livemode = mode == "live"
    known = visit.world.accounts.get(account)
    if known is None:
        return {"key": DEFAULT_KEY}
    owner = known.platform or account
    key = visit.world.last_keys.get((owner, livemode), DEFAULT_KEY)
    return {"key": key} | ({"stripe_account": account} if known.platform else {})


def _clock(visit: Visit) -> str:
    now = home_tables.moment(visit.local_stripe.clock.now())
    return (
        f"<section><h2>Clock: {now}</h2>"
        "<p class='soft'>Renewals, Stripe's retries and webhook retries happen as it moves.</p>"
        f"{button('/do/advance', 'Move the clock one day', {'days': '1'})}"
        f"{button('/do/advance', 'One week', {'days': '7'})}"
        f"{button('/do/advance', 'One month', {'days': '31'})}</section>"
    )


def _new_failure(visit: Visit, realms: list[Realm]) -> str:
    made = sum(len(realm.all("customer")) for realm in realms)
    name, email = _EXAMPLES[made % len(_EXAMPLES)]
    options = "".join(f"<option value='{code}'>{text}</option>" for code, text in REASONS.items())
    return (
        "<section><h2>New subscriber whose renewal fails</h2>"
        '<form method="post" action="/do/renewal_fails"><div class="row">'
        f"{_input('name', 'Name', name)}{_input('email', 'E-mail', email)}"
        f"{_amount('price', 'Monthly price (USD)', '49.00')}"
        f"<div><label for='reason'>Why it fails</label>"
        f"<select id='reason' name='reason'>{options}</select></div>"
        f"{_account_choice(visit, realms)}</div>"
        "<button>Make the renewal fail</button></form></section>"
    )


def _one_time(visit: Visit) -> str:
    realms = [realm for realm in visit.world.realms() if realm.tables]
    options = "".join(f"<option value='{code}'>{text}</option>" for code, text in REASONS.items())
    return (
        "<section><h2>Fail a one-time payment</h2>"
        "<p class='soft'>Recover leaves its buyer alone at first, as most try another card at "
        "once, and who pays meanwhile was never lost. The mail comes after one minute for the "
        "merchant that <code>dev.py run</code> makes, after 30 for any other.</p>"
        '<form method="post" action="/do/one_time_fails"><div class="row">'
        f"{_input('name', 'Name', 'Sam Guest', 'once')}"
        f"{_input('email', 'E-mail', 'sam@example.com', 'once')}"
        f"{_amount('amount', 'Amount (USD)', '25.00', 'once')}"
        f"<div><label for='once-reason'>Why it fails</label>"
        f"<select id='once-reason' name='reason'>{options}</select></div>"
        f"{_account_choice(visit, realms, 'once')}</div>"
        "<button>Make the payment fail</button></form></section>"
    )


def _input(name: str, label: str, value: str, prefix: str = "new", *, held_to: str = "") -> str:
    id_ = f"{prefix}-{name}"
    return (
        f'<div><label for="{id_}">{escape(label)}</label>'
        f'<input id="{id_}" name="{name}" value="{escape(value)}" required{held_to}></div>'
    )


def _amount(name: str, label: str, value: str, prefix: str = "new") -> str:
    held_to = f' type="number" min="{LEAST}" max="{MOST}" step="0.01"'
    return _input(name, label, value, prefix, held_to=held_to)


def _account_choice(visit: Visit, realms: list[Realm], prefix: str = "new") -> str:
    if not realms:
        return ""
    preferred = _listening(realms) or realms[0]
    options = "".join(
        f'<option value="{home_tables.realm_value(realm)}"'
        f"{' selected' if realm is preferred else ''}>{escape(home_tables.realm_name(realm))}"
        "</option>"
        for realm in realms
    )
    id_ = f"{prefix}-realm"
    return (
        f'<div><label for="{id_}">Account</label>'
        f'<select id="{id_}" name="realm">{options}</select></div>'
    )


def _listening(realms: list[Realm]) -> Realm | None:
    """The account that someone listens to: that is the one to try things on."""
    return next((realm for realm in realms if realm.all("webhook_endpoint")), None)
