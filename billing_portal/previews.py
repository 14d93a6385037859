"""The customers' pages as they will look, each filled with a debt that is made up and never saved.

The pages are those of page_words.py. What a page shows beside its words is in NEEDS; one that
isn't there is shown with its words and buttons.
"""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from string import Formatter
from types import MappingProxyType
from typing import Any

from billing_portal import debts, links, presentation
from billing_portal.collection import Charge
from billing_portal.languages import ENGLISH
from billing_portal.page_words import PAGE_WORDS, Page
from billing_portal.pages import NOWHERE, Button, Content, Reader
from recovery.attempts import ChargeResult, Outcome
from recovery.masking import mask_email
from recovery.models import Customer, Merchant, RecoveryCase

UNKNOWN = "…"  # a fact that only a new page has
AMOUNT = 4900  # minor units
WAIT = 30  # seconds


@dataclass(frozen=True, slots=True)
class Needs:
    """`quiet` is the name of a phrase; `outcomes` has one for each debt that was charged, with
    links to confirm them or without. `is_nobodys`: the link isn't known, nor is the merchant."""

    decline_code: str = "expired_card"
    has_debt: bool = False
    quiet: str = ""
    outcomes: tuple[Outcome, ...] = ()
    has_links: bool = False
    is_nobodys: bool = False


TO_CONFIRM = Outcome.NEEDS_AUTHENTICATION
NEEDS: Mapping[str, Needs] = MappingProxyType(
    {
        "failed": Needs(has_debt=True, quiet="leaving"),
        "given_up": Needs(has_debt=True, quiet="leaving_with_more"),
        "written_off": Needs(has_debt=True),
        "written_off_with_more": Needs(has_debt=True),
        "to_confirm": Needs("authentication_required", has_debt=True, quiet="leaving_to_confirm"),
        "forged": Needs(is_nobodys=True),
        "to_pay": Needs(has_debt=True, quiet="leaving_to_pay"),
        "pay_at_stripe": Needs(has_debt=True),
        "no_portal": Needs(has_debt=True),
        "no_checkout": Needs(has_debt=True),
        "back_success": Needs(outcomes=(Outcome.PAID, Outcome.ALREADY_PAID)),
        "back_partly": Needs(outcomes=(Outcome.PAID, Outcome.DECLINED)),
        "back_declined": Needs(outcomes=(Outcome.DECLINED,)),
        "back_confirm": Needs(outcomes=(TO_CONFIRM,)),
        "back_confirm_each": Needs(outcomes=(TO_CONFIRM, TO_CONFIRM), has_links=True),
        "back_confirm_by_mail": Needs(outcomes=(TO_CONFIRM,)),
        "back_pending": Needs(outcomes=(Outcome.PENDING,)),
        "back_not_charged": Needs(outcomes=(Outcome.REFUSED,)),
        "back_card_refused": Needs(outcomes=(Outcome.REFUSED,)),
        "back_card_waits": Needs(outcomes=(Outcome.NOT_YET,)),
        "back_unavailable": Needs(outcomes=(Outcome.UNAVAILABLE,)),
        "unsubscribe_unknown": Needs(is_nobodys=True),
    }
)


def states() -> list[tuple[str, str]]:
    """Every page's name, and what it is called in the chooser."""
    pages = PAGE_WORDS[ENGLISH].pages
    return [(name, f"{page.heading} ({name})") for name, page in pages.items()]


def dressed(merchant: Merchant, *, color: str = "", product_name: str = "") -> Merchant:
    """The merchant in another color or under another name, neither of which is saved."""
    shown = copy.copy(merchant)
    shown.color, shown.product_name = color or shown.color, product_name or shown.product_name
    return shown


def content(name: str, *, reader: Reader, merchant: Merchant, now: datetime) -> Content:
    """The page, of a debt in the merchant's currency that failed now."""
    needs, words = NEEDS.get(name, Needs()), reader.words
    case = _case(merchant, reader.language, decline_code=needs.decline_code, now=now)
    told = debts.told(reader, case)
    card = presentation.card(case, reader.language)
    charges = [Charge(case, ChargeResult(outcome)) for outcome in needs.outcomes]
    page = words.pages[name]
    quiet = words.phrases[needs.quiet] if needs.quiet else ""
    return Content(
        name, NOWHERE, quiet=quiet, facts=_facts(page, quiet, {
            **told["facts"],
            "saved": words.phrases["saved_card"].format(card=card),
            "wait": presentation.wait(WAIT, reader.language),
        }),
        buttons=[Button(NOWHERE, fields={}) for _label in page.buttons],
        debt=told["debt"] if needs.has_debt else (),
        results=[debts.charged(reader, one, has_link=needs.has_links) for one in charges],
    )  # fmt: skip


def is_nobodys(name: str) -> bool:
    """Whether the page is one of a link that isn't known."""
    return NEEDS.get(name, Needs()).is_nobodys


def _case(merchant: Merchant, language: str, *, decline_code: str, now: datetime) -> RecoveryCase:
    return RecoveryCase(
        merchant=merchant, customer=Customer(locale=language), amount=AMOUNT,
        currency=merchant.currency, decline_code=decline_code, card_brand="visa",
        card_last4="4242", description=f"{merchant.product_name} 2026",
        invoice_number="F7A2C9D1-0042", hosted_invoice_url=NOWHERE, failed_at=now,
    )  # fmt: skip


def _facts(page: Page, quiet: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """What the page's words have {…} for; the product is whoever the page belongs to."""
    texts = (page.heading, *page.paragraphs, *page.buttons, page.quiet, quiet)
    asked = {name for text in texts for _, name, *_ in Formatter().parse(text) if name}
    samples = {
        "days": links.LIFETIME.days, "address": mask_email("customer@example.com"), **known,
    }  # fmt: skip
    return {name: samples.get(name, UNKNOWN) for name in asked - {"product"}}


def told_of_color(color: str) -> str:
    """Whether a merchant's color can be read on, and what is done where it can't; ratios are
    rounded down, since one just below the least would seem to pass."""
    shown, text = presentation.accent(color)
    ratio = math.floor(presentation.contrast(color, presentation.WHITE) * 10) / 10
    if shown != color:
        return f"Neither white nor black can be read on {color}: white on black is used."
    if text == presentation.WHITE:
        return f"White text on {color} has {ratio}:1."
    return f"White text on {color} would have {ratio}:1, so black is used."
