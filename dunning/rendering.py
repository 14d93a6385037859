"""What a message says: subject, text and HTML from a step's words and the case's facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from babel.numbers import UnknownCurrencyError
from django.template import TemplateSyntaxError
from django.template.loader import render_to_string

from billing_portal import presentation
from dunning.models import NEW_LINK
from recovery.models import RecoveryCase


@dataclass(frozen=True, slots=True)
class Words:
    """`{product}`, `{amount}` and `{reason}` are filled in."""

    subject: str
    paragraphs: tuple[str, ...]
    button: str = "Update payment details"


WORDS: Mapping[str, Words] = MappingProxyType(
    {
        "failed": Words(
            "Your payment to {product} didn't go through",
            (
                "We tried to collect {amount} for {product}, and it didn't work. {reason}",
                "You can pay with another card now. It takes a minute, and nothing else changes.",
            ),
        ),
        "new_card": Words(
            "Please use another card for {product}",
            (
                "We tried to collect {amount} for {product}, and it didn't work. {reason}",
                "This card can't be used again, so please add another one.",
            ),
            "Add another card",
        ),
        "action": Words(
            "Your payment to {product} needs a moment of yours",
            (
                "We tried to collect {amount} for {product}. {reason}",
                "Only you can put this right. It takes a minute.",
            ),
        ),
        "reminder": Words(
            "A reminder: {amount} for {product} is still open",
            (
                "Your payment of {amount} for {product} is still open. {reason}",
                "If you have taken care of it meanwhile, please ignore this mail.",
            ),
        ),
        NEW_LINK: Words(
            "Your new link for {product}",
            (
                "Here is the new link. Your payment of {amount} for {product} is still open.",
                "If you didn't ask for it, there is nothing to worry about.",
            ),
        ),
        "final": Words(
            "Last reminder: {amount} for {product}",
            (
                "Your payment of {amount} for {product} is still open. We won't write again.",
                "To keep using {product}, please update your payment details.",
            ),
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    text: str
    html: str


class UnrenderableError(Exception):
    """The words of a message don't fit the facts of its case."""


def render(
    *,
    debts: Sequence[RecoveryCase],
    template: str,
    link: str,
    unsubscribe_url: str = "",  # noqa: ARG001
) -> Rendered:
    """The message of one step, about the first of a customer's `debts`; the others are listed.

    `link` goes behind its button. Raises UnrenderableError.
    """
    try:
        return _render(case=debts[0], template=template, link=link)
    except (LookupError, ValueError, TemplateSyntaxError, UnknownCurrencyError) as error:
        raise UnrenderableError(f"{template}: {type(error).__name__}: {error}") from error


def _render(*, case: RecoveryCase, template: str, link: str) -> Rendered:
    words, merchant = WORDS[template], case.merchant
    facts = {
        "product": merchant.product_name,
        "amount": presentation.amount(case),
        "reason": presentation.reason(case),
    }
    accent, accent_text = presentation.accent(merchant.color)
    paragraphs = [paragraph.format(**facts) for paragraph in words.paragraphs]
    context = {
        "merchant": merchant,
        "accent": accent,
        "accent_text": accent_text,
        "paragraphs": paragraphs,
        "preheader": paragraphs[0],
        "amount": facts["amount"],
        "description": case.description,
        "invoice_number": case.invoice_number,
        "card": presentation.card(case),
        "failed_on": presentation.day(case.failed_at, merchant),
        "link": link,
        "button": words.button,
        "support_email": merchant.support_email,
        "postscript": "",
    }
    return Rendered(
        subject=" ".join(words.subject.format(**facts).split()),
        text=render_to_string("dunning/email.txt", context),
        html=render_to_string("dunning/email.html", context),
    )
