"""The form that a card is typed into, and what it makes of the card."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html import escape

from tests.local_stripe import cards
from tests.local_stripe.billing import wallet
from tests.local_stripe.declines import Decline
from tests.local_stripe.realm import Realm
from tests.local_stripe.shapes import Object

EXPIRES_EXAMPLE = "12 / 34"


class CardRefusedError(Exception):
    """The sentence that the customer reads."""


def fields(form: dict[str, str], *, name: str) -> str:
    """The inputs; what was typed comes back, but for the card's own numbers."""
    return (
        '<label for="number">Card number</label>'
        '<input id="number" name="number" inputmode="numeric" autocomplete="off" '
        'placeholder="4242 4242 4242 4242" required>'
        '<div class="row"><div><label for="expiry">Expiry (MM / YY)</label>'
        f'<input id="expiry" name="expiry" placeholder="{EXPIRES_EXAMPLE}" autocomplete="off" '
        f'value="{escape(form.get("expiry", ""))}" required></div>'
        '<div><label for="cvc">CVC</label><input id="cvc" name="cvc" inputmode="numeric" '
        'placeholder="123" autocomplete="off" required></div></div>'
        '<label for="name">Name on card</label>'
        f'<input id="name" name="name" autocomplete="off" '
        f'value="{escape(form.get("name", name))}">'
        '<p class="soft">Test cards only: 4242 4242 4242 4242 works, 4000 0000 0000 0341 is saved '
        "but declined later, 4000 0000 0000 9995 has insufficient funds, 4000 0000 0000 3220 asks "
        "its holder.</p>"
    )


def read(realm: Realm, form: dict[str, str]) -> Object:
    """A payment method of the card typed in, not yet saved. Raises CardRefusedError."""
    card = cards.by_number(form.get("number", ""))
    if card is None:
        raise CardRefusedError("Your card number is invalid. Only Stripe's test cards work here.")
    month, year = _expiry(form.get("expiry", ""))
    today = datetime.fromtimestamp(realm.now(), UTC)
    if (year, month) < (today.year, today.month):
        raise CardRefusedError("Your card's expiration date is in the past.")
    if not re.fullmatch(r"\d{3,4}", form.get("cvc", "").strip()):
        raise CardRefusedError("Your card's security code is incomplete.")
    details = {"name": form.get("name") or None}
    typed = replace(card, exp_month=month, exp_year=year)
    return wallet.new_payment_method(realm, typed, billing_details=details)


def refuse_if_declined(payment_method: Object) -> None:
    """A bank may refuse a card already when it is saved. Raises CardRefusedError."""
    decline: Decline | None = payment_method["_refused_when_saved"]
    if decline is not None:
        raise CardRefusedError(decline.message)


def _expiry(typed: str) -> tuple[int, int]:
    match = re.fullmatch(r"\s*(\d{1,2})\s*/?\s*(\d{2}|\d{4})\s*", typed)
    if match is None or not 1 <= int(match[1]) <= 12:
        raise CardRefusedError("Your card's expiration date is incomplete.")
    year = int(match[2])
    return int(match[1]), year if year > 99 else 2000 + year
