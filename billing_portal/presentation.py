"""Amounts, dates, reasons and colors as a customer reads them."""

from datetime import datetime

from babel.dates import format_date
from babel.numbers import format_currency

from recovery.models import Merchant, RecoveryCase
from recovery.money import decimals, major

LOCALE = "en"
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
WHITE, BLACK = "#ffffff", "#111111"
LINEAR_BELOW = 0.04045  # sRGB
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
UNTOLD = "Your bank declined the payment."
# What a customer may read; every code that isn't here is told as a plain decline, so that no
# page or mail ever speaks of a lost or stolen card or of fraud.
REASONS = {
    "insufficient_funds": "There wasn't enough money available on the card.",
    "expired_card": "The card has expired.",
    "incorrect_cvc": "The card's security code didn't match.",
    "invalid_cvc": "The card's security code didn't match.",
    "incorrect_number": "The card number didn't match.",
    "incorrect_zip": "The billing postcode didn't match.",
    "incorrect_address": "The billing address didn't match.",
    "processing_error": "The bank couldn't process the payment just then.",
    "issuer_not_available": "The bank couldn't be reached just then.",
    "card_velocity_exceeded": "The card's limit was reached.",
    "authentication_required": "Your bank asks you to confirm the payment.",
    "authentication_not_handled": "Your bank asks you to confirm the payment.",
    "card_not_supported": "The card doesn't support this kind of payment.",
    "currency_not_supported": "The card doesn't support this currency.",
}


def amount(case: RecoveryCase) -> str:
    """4900 usd → $49.00"""
    places = decimals(case.currency)
    return format_currency(
        major(case.amount, case.currency), case.currency.upper(), locale=LOCALE,
        currency_digits=False, decimal_quantization=False,
        format="¤#,##0" + ("." + "0" * places if places else ""),
    )  # fmt: skip


def day(at: datetime, merchant: Merchant) -> str:
    """The merchant's calendar day: November 3, 2026"""
    return format_date(at.astimezone(merchant.zone).date(), format="long", locale=LOCALE)


def reason(case: RecoveryCase) -> str:
    return REASONS.get(case.decline_code, UNTOLD)


def card(case: RecoveryCase) -> str:
    """Visa ending in 4242, or "" where the card isn't known."""
    if not case.card_last4:
        return ""
    return f"{BRANDS.get(case.card_brand, 'Card')} ending in {case.card_last4}"


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
