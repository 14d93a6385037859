"""Eight languages that say the same: which one a customer reads, and what is never said in any."""

import re
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_portal import discretion, languages, reasons
from billing_portal.languages import LANGUAGES
from billing_portal.wording import WORDING
from recovery.declines import DECLINE_CODES


@pytest.mark.parametrize(
    ("locales", "expected"),
    [
        ("", "en"),
        ("de", "de"),
        ("fr-CA,en", "fr"),
        ("pt_BR", "pt"),
        ("PT-br", "pt"),
        ("zh-Hant,ja,en", "ja"),
        ("sv, nl-BE", "nl"),
        ("sv,fi", "en"),
        (",,-,_", "en"),
        ("dev,enx", "en"),
        ("es-419", "es"),
    ],
)
def test_the_first_language_that_is_spoken_here_is_chosen(locales: str, expected: str) -> None:
    assert languages.choose(locales) == expected


def test_who_reads_none_of_them_reads_the_fallback() -> None:
    assert languages.choose("sv", "de") == "de"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", ""),
        ("de", "de"),
        ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", "fr-CH,fr,en,de,*"),
        ("en;q=0.5, ja", "ja,en"),
        ("de;q=0.8,fr;q=0.8", "de,fr"),  # as they stand
        ("en;q=0, nl;q=0.1", "nl"),
        ("it ; Q = 0.3", "it"),
        ("es;q=1.000,pt;q=2,it;q=-1,nl;q=a,ja;x=1,fr;q=0.1234,de;q=٠", "es"),
        (";;;,,;q=1,q=1", ",q=1"),
        ("de;q=0.9;level=1", ""),
    ],
)
def test_a_browsers_languages_are_read_best_first(header: str, expected: str) -> None:
    assert [part for part in languages.accepted(header).split(",") if part] == [
        part for part in expected.split(",") if part
    ]


@given(header=st.text())
def test_whatever_a_browser_says_some_language_is_chosen(header: str) -> None:
    assert languages.choose(languages.accepted(header)) in LANGUAGES


@pytest.mark.parametrize(
    ("language", "expected"), [("en", "ltr"), ("ja", "ltr"), ("ar", "rtl"), ("he", "rtl")]
)
def test_a_language_has_a_direction(language: str, expected: str) -> None:
    assert languages.direction(language) == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_all_that_english_says(language: str) -> None:
    english, here = WORDING["en"], WORDING[language]

    assert list(here.labels) == list(english.labels)
    assert list(here.reasons) == list(english.reasons)
    assert set(here.reasons) == set(reasons.CODES)
    assert sorted(field for _text, field, *_ in Formatter().parse(here.card) if field) == [
        "brand", "last4",
    ]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_is_one_discreet_sentence(language: str) -> None:
    told = WORDING[language].reasons.values()

    assert len(set(told)) == len(told)
    for sentence in told:
        assert re.fullmatch(r"[^.。!?]+[.。]", sentence), sentence
        assert not re.search(r"[a-z]_[a-z]|[{}]", sentence)
        assert discretion.indiscretion(sentence, language) == ""


def test_every_decline_code_has_a_reason_and_every_reason_a_code() -> None:
    assert set(reasons.REASONS) == set(DECLINE_CODES)
    assert sum(len(codes) for codes in reasons.CODES.values()) == len(DECLINE_CODES)


@pytest.mark.parametrize(
    "code",
    ["stolen_card", "lost_card", "fraudulent", "pickup_card", "merchant_blacklist", "blocklist",
     "highest_risk_level", "rule", "generic_decline", "", "never_heard_of"],
)  # fmt: skip
def test_what_a_customer_may_not_read_is_a_plain_decline(code: str) -> None:
    assert reasons.reason(decline_code=code) == reasons.DECLINED


@pytest.mark.parametrize(
    ("decline_code", "advice_code", "expected"),
    [
        ("generic_decline", "confirm_card_data", "card_details"),
        ("generic_decline", "do_not_try_again", "declined"),
        ("generic_decline", "advice_of_tomorrow", "declined"),
        ("expired_card", "confirm_card_data", "expired"),
    ],
)
def test_the_networks_advice_explains_what_the_code_does_not(
    decline_code: str, advice_code: str, expected: str
) -> None:
    assert reasons.reason(decline_code=decline_code, advice_code=advice_code) == expected


@pytest.mark.parametrize(
    ("language", "text", "word"),
    [
        ("en", "Your card was reported LOST.", "LOST"),
        ("en", "Suspected of fraudulent use", "fraudulent"),
        ("en", "The most and the lots", ""),
        ("de", "Die Karte wurde gestohlen.", "gestohlen"),
        ("de", "Verdacht auf Betrug", "Betrug"),
        ("de", "Der Betrag von 49 €", ""),
        ("fr", "Carte volée", "volée"),
        ("es", "Tarjeta robada", "robada"),
        ("pt", "Cartão furtado", "furtado"),
        ("it", "Carta smarrita", "smarrita"),
        ("nl", "De kaart is gestolen", "gestolen"),
        ("ja", "カードが盗まれました", "盗"),
    ],
)
def test_a_word_of_loss_theft_or_fraud_is_found(language: str, text: str, word: str) -> None:
    assert discretion.accusation(text, language) == word


@pytest.mark.parametrize(
    ("language", "word"),
    [("en", "blocked"), ("de", "gesperrt"), ("fr", "bloquée"), ("es", "bloqueada"),
     ("pt", "bloqueado"), ("it", "bloccata"), ("nl", "geblokkeerd"), ("ja", "ブロック")],
)  # fmt: skip
def test_shipped_words_may_not_speak_of_blocks_either(language: str, word: str) -> None:
    assert discretion.indiscretion(word, language) == word
    assert discretion.accusation(word, language) == ""
