"""What a message says: subject, text and HTML from its words and the facts of what is owed."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from babel.numbers import UnknownCurrencyError
from django.conf import settings
from django.template import TemplateSyntaxError
from django.template.loader import render_to_string

from billing_portal import languages, links, logos, presentation
from dunning.wording import templates
from dunning.wording.filling import Filled, fill
from dunning.wording.plain_text import one_line
from dunning.wording.template_language import TemplateError
from dunning.wording.words import PHRASES
from recovery.models import Merchant, RecoveryCase

logger = logging.getLogger(__name__)

FONT = "-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
FONTS = {"ja": "-apple-system,'Hiragino Sans','Yu Gothic UI','Yu Gothic',Meiryo,sans-serif"}
LONGEST_PREHEADER = 140  # no inbox shows more
# Invisible, so that inboxes show nothing of what comes after the preheader.
PREHEADER_END = "\u2007\u034f" * 60
EMAIL = "{email}"


@dataclass(frozen=True, slots=True)
class Rendered:
    """`language` is one of billing_portal/languages.py; `subject` is a single line."""

    subject: str
    text: str
    html: str
    language: str


class UnrenderableError(Exception):
    """The words of a message don't fit the facts of its case."""


def render(
    *, debts: Sequence[RecoveryCase], template: str, link: str, unsubscribe_url: str = ""
) -> Rendered:
    """One message about the first of a customer's `debts`, in the customer's language; it lists
    all of them where they are several.

    `link` goes behind its button; there is a way to unsubscribe if it has an address. Raises
    UnrenderableError.
    """
    try:
        return _render(debts, template, link=link, unsubscribe_url=unsubscribe_url)
    except (LookupError, ValueError, TemplateSyntaxError, UnknownCurrencyError) as error:
        raise UnrenderableError(f"{template}: {type(error).__name__}: {error}") from error


def _render(
    debts: Sequence[RecoveryCase], template: str, *, link: str, unsubscribe_url: str
) -> Rendered:
    case = debts[0]
    language = languages.choose(case.customer.locale if case.customer else "")
    filled = _filled(case.merchant, template, language, facts_of(debts, language, link=link))
    return lay_out(
        filled, debts=debts, language=language, link=link, unsubscribe_url=unsubscribe_url
    )


def lay_out(
    filled: Filled, *, debts: Sequence[RecoveryCase], language: str, link: str,
    unsubscribe_url: str,
) -> Rendered:  # fmt: skip
    """The words in the layout, in the looks of the merchant that is owed the `debts`."""
    case, merchant = debts[0], debts[0].merchant
    context = {
        **_look(merchant, language),
        **_phrases(merchant, language),
        "preheader": one_line(filled.text, longest=LONGEST_PREHEADER),
        "preheader_end": PREHEADER_END,
        "body": filled.html,
        "text": filled.text,
        "button": filled.button,
        "link": link,
        "unsubscribe_url": unsubscribe_url,
        "labels": presentation.labels(language),
        **(_list(debts, language) if len(debts) > 1 else _facts(case, language)),
    }
    return Rendered(
        subject=filled.subject,
        text=render_to_string("dunning/email.txt", context).strip() + "\n",
        html=render_to_string("dunning/email.html", context),
        language=language,
    )


def _filled(
    merchant: Merchant, template: str, language: str, facts: Mapping[str, str | int]
) -> Filled:
    """The merchant's words, or the shipped ones where those can't be filled in: the mail goes."""
    words = templates.find(merchant=merchant, name=template, language=language)
    usual = templates.shipped(name=template, language=language)
    try:
        return fill(words, facts)
    except TemplateError:
        if words == usual:
            raise
        logger.exception(
            "The %s template “%s” of merchant %s can't be filled in; the shipped one is sent.",
            language, template, merchant.public_id,
        )  # fmt: skip
        return fill(usual, facts)


def facts_of(
    debts: Sequence[RecoveryCase], language: str, *, link: str
) -> Mapping[str, str | int]:
    """The facts that variables.py names, each on one line; "" for what isn't known."""
    case = debts[0]
    facts: Mapping[str, str] = {
        "product": _product(case.merchant),
        "amount": presentation.amount(case, language),
        "reason": presentation.reason(case, language),
        "failed_on": presentation.day(case.failed_at, case.merchant, language),
        "link": link,
        "total": " + ".join(_totals(debts, language)),
        "card": presentation.card(case, language),
        "description": case.description,
        "invoice_number": case.invoice_number,
        "customer_name": case.customer.name if case.customer else "",
        "support_email": case.merchant.support_email,
    }
    return {name: one_line(fact) for name, fact in facts.items()} | {
        "link": link, "debt_count": len(debts),
    }  # fmt: skip


def _product(merchant: Merchant) -> str:
    return one_line(merchant.product_name) or one_line(merchant.name)


def _totals(debts: Iterable[RecoveryCase], language: str) -> list[str]:
    """One for each currency, in the order of the debts."""
    sums: dict[str, int] = {}
    for debt in debts:
        sums[debt.currency] = sums.get(debt.currency, 0) + debt.amount
    return [presentation.money(owed, currency, language) for currency, owed in sums.items()]


def _facts(case: RecoveryCase, language: str) -> dict[str, Any]:
    """What is known of a single debt, each with its label."""
    told = {
        "amount": presentation.amount(case, language),
        "description": one_line(case.description),
        "invoice": one_line(case.invoice_number),
        "card": presentation.card(case, language),
        "failed_on": presentation.day(case.failed_at, case.merchant, language),
    }
    labels = presentation.labels(language)
    return {"facts": [(labels[name], fact) for name, fact in told.items() if fact]}


def _list(debts: Sequence[RecoveryCase], language: str) -> dict[str, Any]:
    """Each of several debts, and their total where one says something."""
    rows = [
        {
            "title": one_line(debt.description) or _product(debt.merchant),
            "details": " · ".join(
                part
                for part in (
                    one_line(debt.invoice_number),
                    presentation.day(debt.failed_at, debt.merchant, language),
                )
                if part
            ),
            "amount": presentation.amount(debt, language),
        }
        for debt in debts
    ]
    totals = _totals(debts, language)
    return {
        "debts": rows,
        "several": PHRASES[language]["several"].format(count=len(debts)),
        "total": totals[0] if len(totals) == 1 else "",
    }


def _phrases(merchant: Merchant, language: str) -> dict[str, Any]:
    """What the layout says around the message."""
    phrases = PHRASES[language]
    before, _email, after = phrases["questions"].partition(EMAIL)
    return {
        "hello": phrases["hello"],
        "colon": phrases["colon"],
        "safety": phrases["safety"].format(days=links.LIFETIME.days),
        "support_email": merchant.support_email,
        "before_email": before,
        "after_email": after,
        "unsubscribe": phrases["unsubscribe"],
    }


def _look(merchant: Merchant, language: str) -> dict[str, Any]:
    accent, accent_text = presentation.accent(merchant.color)
    direction = languages.direction(language)
    start, end = ("left", "right") if direction == "ltr" else ("right", "left")
    logo = logos.shown(merchant)
    return {
        "product": _product(merchant),
        "logo": logo,
        "logo_url": f"{settings.PUBLIC_URL}{logo.path}" if logo else "",
        "accent": accent,
        "accent_text": accent_text,
        "language": language,
        "direction": direction,
        "start": start,
        "end": end,
        "font": FONTS.get(language, FONT),
    }
