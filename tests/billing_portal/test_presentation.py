"""What a customer reads: amounts, days, reasons, cards, and colors that can be read."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_portal import presentation
from recovery.declines import DECLINE_CODES
from recovery.models import Merchant, RecoveryCase


@pytest.mark.parametrize(
    ("minor_units", "currency", "expected"),
    [
        (4900, "usd", "$49.00"),
        (1, "usd", "$0.01"),
        (123_456_789, "eur", "€1,234,567.89"),
        (4900, "jpy", "¥4,900"),
        (4900, "krw", "₩4,900"),
        (4900, "gbp", "£49.00"),
        (4900, "chf", "CHF49.00"),
        (12_345, "bhd", "BHD12.345"),
        (4900, "isk", "ISK49.00"),  # Stripe sends it with two decimals
        (2**63 - 1, "usd", "$92,233,720,368,547,758.07"),
    ],
)
def test_an_amount_is_written_exactly(minor_units: int, currency: str, expected: str) -> None:
    case = RecoveryCase(amount=minor_units, currency=currency)

    assert presentation.amount(case).replace("\xa0", "") == expected


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", "November 3, 2026"),
        ("Pacific/Auckland", "November 4, 2026"),
        ("America/Los_Angeles", "November 3, 2026"),
    ],
)
def test_a_day_is_the_merchants(zone: str, expected: str) -> None:
    at = datetime(2026, 11, 3, 23, 30, tzinfo=UTC)

    assert presentation.day(at, Merchant(time_zone=zone)) == expected


@pytest.mark.parametrize("code", [*DECLINE_CODES, "", "never_heard_of"])
def test_no_reason_shows_a_code_or_frightens(code: str) -> None:
    reason = presentation.reason(RecoveryCase(decline_code=code))

    assert re.fullmatch(r"[A-Z][A-Za-z' ]+\.", reason)
    assert not re.search("lost|stolen|fraud|pick ?up|risk|block|restrict", reason, re.IGNORECASE)


@pytest.mark.parametrize("code", ["stolen_card", "lost_card", "fraudulent", "pickup_card", ""])
def test_what_a_customer_may_not_read_is_a_plain_decline(code: str) -> None:
    told = presentation.reason(RecoveryCase(decline_code=code))

    assert told == "Your bank declined the payment."


def test_every_reason_is_one_of_a_code_that_is_known() -> None:
    assert [code for code in presentation.REASONS if code not in DECLINE_CODES] == []


@pytest.mark.parametrize(
    ("brand", "last4", "expected"),
    [
        ("visa", "4242", "Visa ending in 4242"),
        ("amex", "0005", "American Express ending in 0005"),
        ("diners", "0004", "Diners Club ending in 0004"),
        ("eftpos_au", "0004", "eftpos ending in 0004"),
        ("jcb", "0505", "JCB ending in 0505"),
        ("unknown", "4242", "Card ending in 4242"),
        ("a_brand_of_tomorrow", "4242", "Card ending in 4242"),
        ("", "4242", "Card ending in 4242"),
        ("visa", "", ""),
        ("", "", ""),
    ],
)
def test_a_card_is_named_as_on_its_front(brand: str, last4: str, expected: str) -> None:
    assert presentation.card(RecoveryCase(card_brand=brand, card_last4=last4)) == expected


@pytest.mark.parametrize(
    ("first", "second", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#000000", 21.0),
        ("#777777", "#ffffff", 4.48),  # webaim.org/resources/contrastchecker
        ("#767676", "#ffffff", 4.54),
        ("#123456", "#123456", 1.0),
    ],
)
def test_contrast_is_measured_as_wcag_says(first: str, second: str, ratio: float) -> None:
    assert presentation.contrast(first, second) == pytest.approx(ratio, abs=0.01)


@pytest.mark.parametrize(
    ("color", "expected"),
    [
        ("#1f5eff", ("#1f5eff", "#ffffff")),
        ("#000000", ("#000000", "#ffffff")),
        ("#FFFF00", ("#FFFF00", "#111111")),
        ("#ffffff", ("#ffffff", "#111111")),
        ("#767676", ("#767676", "#ffffff")),
        ("#7a7a7a", ("#111111", "#ffffff")),  # neither can be read on it
    ],
)
def test_a_merchants_color_is_kept_where_it_can_be_read(
    color: str, expected: tuple[str, str]
) -> None:
    assert presentation.accent(color) == expected


@given(color=st.integers(0, 0xFFFFFF).map("#{:06x}".format))
def test_whatever_the_color_its_text_can_be_read(color: str) -> None:
    assert presentation.contrast(*presentation.accent(color)) >= 4.5
