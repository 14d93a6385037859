"""How a message will look, shown with a made-up customer and no case."""

from datetime import datetime

from dunning.wording import filling, rendering, templates
from dunning.wording.filling import UnfilledError
from dunning.wording.rendering import Rendered
from dunning.wording.templates import TemplateRefusedError
from dunning.wording.variables import SAMPLES
from dunning.wording.words import Words
from recovery.models import Customer, Merchant, RecoveryCase

LINK = str(SAMPLES["link"])
UNSUBSCRIBE = "https://pay.example.com/fourthngoal/recover/unsubscribe?token=sample"
AMOUNTS = (4900, 4900, 4900)  # minor units; one debt, or several


def preview(
    *, merchant: Merchant, name: str, language: str, now: datetime, words: Words | None = None,
    has_several: bool = False,
) -> Rendered:  # fmt: skip
    """The message as the merchant's customers will read it, of one debt or of several; in
    `words` that aren't kept yet, or else in those that hold. Raises TemplateRefusedError."""
    templates.check_name(name, language)
    shown = templates.find(merchant=merchant, name=name, language=language)
    if words is not None:
        kept = templates.checked(words, name=name, language=language)
        usual = templates.shipped(name=name, language=language)
        shown = Words(kept.subject, kept.body, kept.text, kept.button or usual.button)
    amounts = AMOUNTS if has_several else AMOUNTS[:1]
    debts = [_debt(merchant, language, amount, now=now) for amount in amounts]
    try:
        filled = filling.fill(shown, rendering.facts_of(debts, language, link=LINK))
    except UnfilledError as error:  # kept when other variables were known
        raise TemplateRefusedError(error.field, str(error)) from error
    return rendering.lay_out(
        filled, debts=debts, language=language, link=LINK, unsubscribe_url=UNSUBSCRIBE
    )


def _debt(merchant: Merchant, language: str, amount: int, *, now: datetime) -> RecoveryCase:
    """What dunning/wording/variables.py has samples of, in the merchant's currency."""
    return RecoveryCase(
        merchant=merchant, customer=Customer(name=SAMPLES["customer_name"], locale=language),
        amount=amount, currency=merchant.currency, decline_code="expired_card", card_brand="visa",
        card_last4="4242", description=SAMPLES["description"],
        invoice_number=SAMPLES["invoice_number"], failed_at=now,
    )  # fmt: skip
