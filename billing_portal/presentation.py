"""Amounts, dates, reasons and colors as a customer reads them, in the customer's language."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache, lru_cache

from babel import Locale
from babel.dates import format_date, format_timedelta
from babel.numbers import NumberPattern, format_currency, get_currency_symbol, parse_pattern

from billing_portal import reasons
from billing_portal.languages import ENGLISH
from billing_portal.wording import WORDING
from recovery.models import Merchant, RecoveryCase
from recovery.money import decimals, major

# https://docs.stripe.com/api/payment_methods/object#payment_method_object-card-brand
BRANDS = {
    "amex": "American Express",
    "cartes_bancaires": "Cartes Bancaires",
    "diners": "Diners Club",
    "discover": "Discover",
    "eftpos_au": "eftpos",
    "interac": "Interac",
    "jcb": "JCB",
    "link": "Link",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}
# A code of letters keeps a space from the number, which CLDR's patterns with one leave to the
# formatter: https://www.unicode.org/reports/tr35/tr35-numbers.html#Currencies (currencySpacing)
CODE_BEFORE_NUMBER = re.compile(r"¤(?=[#0])")
IN_MINUTES = 120  # seconds; a shorter wait is said in seconds
WHITE, BLACK = "#ffffff", "#111111"
LINEAR_BELOW = 0.04045  # sRGB
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3


def amount(case: RecoveryCase, language: str = ENGLISH) -> str:
    """4900 usd → $49.00, in German 49,00 $"""
    return money(case.amount, case.currency, language)


def money(minor_units: int, currency: str, language: str = ENGLISH) -> str:
    """With as many decimals as Stripe's amounts in `currency` have."""
    return format_currency(
        major(minor_units, currency), currency.upper(), locale=_locale(language),
        currency_digits=False, decimal_quantization=False, format=_pattern(currency, language),
    )  # fmt: skip


@lru_cache(maxsize=1024)
def _pattern(currency: str, language: str) -> NumberPattern:
    """Kept, because to find it takes longer than to fill in an amount."""
    places = decimals(currency)
    usual = _locale(language).currency_formats["standard"].pattern.partition(";")[0]
    symbol = get_currency_symbol(currency.upper(), locale=_locale(language))
    if symbol.isascii() and symbol.isalpha():
        usual = CODE_BEFORE_NUMBER.sub("¤\N{NO-BREAK SPACE}", usual)
    return parse_pattern(usual.replace(".00", "." + "0" * places if places else ""))


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language)


def day(at: datetime, merchant: Merchant, language: str = ENGLISH) -> str:
    """The merchant's calendar day: November 3, 2026"""
    return _day(at.astimezone(merchant.zone).date(), language)


@lru_cache(maxsize=1024)
def _day(on: date, language: str) -> str:
    """Kept, because links live for a week: all of them tell of a few days."""
    return format_date(on, format="long", locale=_locale(language))


def wait(seconds: int, language: str = ENGLISH) -> str:
    """From now, as it stands in a sentence: in 90 seconds, in 2 minutes. Never too short."""
    if seconds >= IN_MINUTES:
        seconds = -(-seconds // 60) * 60
    return format_timedelta(
        timedelta(seconds=seconds), add_direction=True, locale=language,
        threshold=IN_MINUTES / 60,
    )  # fmt: skip


def reason(case: RecoveryCase, language: str = ENGLISH) -> str:
    """One sentence that a customer may read, whatever the code."""
    told = reasons.reason(decline_code=case.decline_code, advice_code=case.advice_code)
    return WORDING[language].reasons[told]


def card(case: RecoveryCase, language: str = ENGLISH) -> str:
    """Visa ending in 4242, or "" where the card isn't known."""
    return named_card(case.card_brand, case.card_last4, language)


def named_card(brand: str, last4: str, language: str = ENGLISH) -> str:
    """By Stripe's word for the brand and the last digits, "" where it has none."""
    words = WORDING[language]
    return words.card.format(brand=BRANDS.get(brand, words.any_card), last4=last4) if last4 else ""


def facts(case: RecoveryCase, language: str, *, amount: str) -> list[tuple[str, str]]:
    """What is known of a debt, each with its label; `amount` in words, which its reader has."""
    told = {
        "amount": amount,
        "description": case.description,
        "invoice": case.invoice_number,
        "card": card(case, language),
        "failed_on": day(case.failed_at, case.merchant, language),
    }
    return [(labels(language)[name], fact) for name, fact in told.items() if fact]


def labels(language: str = ENGLISH) -> Mapping[str, str]:
    """What the facts of a debt are called: amount, description, invoice, card, failed_on, total"""
    return WORDING[language].labels


@lru_cache(maxsize=1024)
def accent(color: str) -> tuple[str, str]:
    """A background and a text color that can be read on it, as near the merchant's as may be."""
    for text in (WHITE, BLACK):
        if contrast(color, text) >= LEAST_CONTRAST:
            return color, text
    return BLACK, WHITE


def contrast(first: str, second: str) -> float:
    """WCAG's contrast ratio of two colors, 1 to 21."""
    darker, lighter = sorted((_luminance(first), _luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    channels = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (
        channel / 12.92 if channel <= LINEAR_BELOW else ((channel + 0.055) / 1.055) ** 2.4
        for channel in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
