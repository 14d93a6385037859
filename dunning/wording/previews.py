"""How a message will look, shown with a made-up customer and no case."""

import enum
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from dunning.wording import filling, rendering, templates
from dunning.wording.filling import UnfilledError
from dunning.wording.rendering import Rendered
from dunning.wording.templates import TemplateRefusedError
from dunning.wording.variables import SAMPLES
from dunning.wording.words import Words
from recovery.models import Customer, Merchant, RecoveryCase

LINK = str(SAMPLES["link"])
UNSUBSCRIBE = "https://pay.example.com/fourthngoal/recover/unsubscribe?token=sample"
AMOUNT = 4900  # minor units, of each debt
BEFORE_DARK, DARK_ALONE, NEVER_DARK = (
    "@media (prefers-color-scheme: dark)", "@media all", "@media not all",
)  # fmt: skip


class Sample(enum.StrEnum):
    """Which debt the message is shown about."""

    EXPIRED_CARD = "expired_card"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    AUTHENTICATION = "authentication_required"
    ONE_TIME = "one_time"
    SEVERAL = "several"
    BARE = "bare"


SAID: Mapping[Sample, str] = MappingProxyType(
    {
        Sample.EXPIRED_CARD: "An invoice; the card has expired",
        Sample.INSUFFICIENT_FUNDS: "An invoice; too little money in the account",
        Sample.AUTHENTICATION: "An invoice; the bank wants to hear from the customer",
        Sample.ONE_TIME: "A one-time payment, without an invoice",
        Sample.SEVERAL: "Three open invoices",
        Sample.BARE: "An invoice of which little is known",
    }
)
SEVERAL = 3


class Theme(enum.StrEnum):
    LIGHT = "light"
    DARK = "dark"


def preview(
    *, merchant: Merchant, name: str, language: str, now: datetime, words: Words | None = None,
    sample: Sample = Sample.EXPIRED_CARD,
) -> Rendered:  # fmt: skip
    """The message as the merchant's customers will read it, about the debts of `sample`; in
    `words` that aren't kept yet, or else in those that hold. Raises TemplateRefusedError."""
    templates.check_name(name, language)
    shown = templates.find(merchant=merchant, name=name, language=language)
    if words is not None:
        kept = templates.checked(words, name=name, language=language)
        usual = templates.shipped(name=name, language=language)
        shown = Words(kept.subject, kept.body, kept.text, kept.button or usual.button)
    count = SEVERAL if sample is Sample.SEVERAL else 1
    debts = [_debt(merchant, language, sample, now=now) for _debt_number in range(count)]
    try:
        filled = filling.fill(shown, rendering.facts_of(debts, language, link=LINK))
    except UnfilledError as error:  # kept when other variables were known
        raise TemplateRefusedError(error.field, str(error)) from error
    return rendering.lay_out(
        filled, debts=debts, language=language, link=LINK, unsubscribe_url=UNSUBSCRIBE
    )


def _debt(merchant: Merchant, language: str, sample: Sample, *, now: datetime) -> RecoveryCase:
    """What dunning/wording/variables.py has samples of, in the merchant's currency."""
    is_one_time, is_bare = sample is Sample.ONE_TIME, sample is Sample.BARE
    codes = {Sample.INSUFFICIENT_FUNDS, Sample.AUTHENTICATION}
    case = RecoveryCase(
        merchant=merchant, amount=AMOUNT, currency=merchant.currency, failed_at=now,
        customer=Customer(name="" if is_bare else SAMPLES["customer_name"], locale=language),
        decline_code=sample if sample in codes else "expired_card",
    )  # fmt: skip
    if is_bare:
        return case
    case.card_brand, case.card_last4 = "visa", "4242"
    case.description = str(SAMPLES["description"])
    case.invoice_number = "" if is_one_time else str(SAMPLES["invoice_number"])
    return case


def in_theme(html: str, theme: Theme) -> str:
    """The mail as a mail program of that theme shows it, whatever the reader's own is."""
    shown = DARK_ALONE if theme is Theme.DARK else NEVER_DARK
    schemes = "color-scheme: light dark"
    return html.replace(BEFORE_DARK, shown).replace(schemes, f"color-scheme: {theme}")
