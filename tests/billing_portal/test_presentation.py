"""What a customer reads: amounts, days, reasons, cards, and colors that can be read."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_portal import presentation
from billing_portal.languages import LANGUAGES
from billing_portal.wording import WORDING
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


@pytest.mark.parametrize(
    ("minor_units", "currency", "language", "expected"),
    [
        (123_456_789, "eur", "de", "1.234.567,89\xa0€"),
        (4900, "eur", "fr", "49,00\xa0€"),
        (4900, "brl", "pt", "R$\xa049,00"),
        (4900, "eur", "nl", "€\xa049,00"),
        (4900, "jpy", "ja", "￥4,900"),
        (4900, "jpy", "de", "4.900\xa0¥"),
        (1230, "kwd", "en", "KWD\xa01.230"),
        (1230, "kwd", "ja", "KWD\xa01.230"),
        (1230, "kwd", "nl", "KWD\xa01,230"),
        (4900, "chf", "en", "CHF\xa049.00"),
        (-4900, "chf", "en", "-CHF\xa049.00"),
        (4900, "usd", "en", "$49.00"),
        (4900, "cad", "en", "CA$49.00"),
        (4900, "cny", "ja", "元49.00"),
        (12_345, "bhd", "it", "12,345\xa0BHD"),
        (100, "usd", "es", "1,00\xa0US$"),
    ],
)
def test_an_amount_is_written_as_its_reader_writes_it(
    minor_units: int, currency: str, language: str, expected: str
) -> None:
    case = RecoveryCase(amount=minor_units, currency=currency)

    assert presentation.amount(case, language) == expected


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("de", "3. November 2026"),
        ("fr", "3 novembre 2026"),
        ("es", "3 de noviembre de 2026"),
        ("pt", "3 de novembro de 2026"),
        ("it", "3 novembre 2026"),
        ("nl", "3 november 2026"),
        ("ja", "2026年11月3日"),
    ],
)
def test_a_day_is_written_as_its_reader_writes_it(language: str, expected: str) -> None:
    at = datetime(2026, 11, 3, 9, tzinfo=UTC)

    assert presentation.day(at, Merchant(time_zone="UTC"), language) == expected


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", [*DECLINE_CODES, "", "never_heard_of"])
def test_every_decline_has_a_reason_in_every_language(code: str, language: str) -> None:
    told = presentation.reason(RecoveryCase(decline_code=code), language)

    assert told in WORDING[language].reasons.values()


def test_a_reason_is_told_in_the_language_of_its_reader() -> None:
    case = RecoveryCase(decline_code="insufficient_funds")

    assert presentation.reason(case) == "There wasn't enough money available."
    assert presentation.reason(case, "fr") == "Le montant disponible n’était pas suffisant."


def test_a_card_and_the_facts_of_a_debt_are_called_what_their_reader_calls_them() -> None:
    case = RecoveryCase(card_brand="visa", card_last4="4242")

    assert presentation.card(case, "de") == "Visa mit den Endziffern 4242"
    assert presentation.card(RecoveryCase(card_last4="4242"), "ja") == "カード（末尾 4242）"
    assert presentation.labels("nl")["amount"] == "Bedrag"


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


@pytest.mark.parametrize(
    ("seconds", "language", "said"),
    [
        (1, "en", "in 1 second"), (60, "de", "in 60 Sekunden"), (119, "fr", "dans 119 secondes"),
        (120, "en", "in 2 minutes"), (121, "es", "dentro de 3 minutos"),
        (3600, "nl", "over 60 minuten"),
        (30, "ja", "30 秒後"), (45, "it", "tra 45 secondi"), (45, "pt", "em 45 segundos"),
    ],
)  # fmt: skip
def test_a_wait_is_said_in_a_unit_that_people_count_in_and_never_too_short(
    seconds: int, language: str, said: str
) -> None:
    assert presentation.wait(seconds, language) == said
