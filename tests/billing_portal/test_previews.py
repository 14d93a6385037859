"""Every page of the customers' has a preview, in every language, whatever it needs."""

from dataclasses import replace
from types import MappingProxyType

import pytest
from django.test import RequestFactory
from django.utils import timezone

from billing_portal import page_words, pages, previews
from billing_portal.languages import LANGUAGES
from billing_portal.page_words import PAGE_WORDS, Page
from billing_portal.pages import Reader
from billing_portal.wording import WORDING
from recovery.models import Customer, Merchant, RecoveryCase
from tests.billing_portal.test_page_words import EVERY

MERCHANT = Merchant(name="Fern", product_name="Fern Tea Club", color="#0a6847", currency="eur")


def shown(name: str, language: str = "en", *, theme: str = "") -> str:
    """The page as a preview has it; no database is asked for anything."""
    reader = Reader(language)
    content = previews.content(name, reader=reader, merchant=MERCHANT, now=timezone.now())
    request = RequestFactory().get("/")
    request.csp_nonce = "n"  # type: ignore[attr-defined]
    page = pages.respond(request, content, reader=reader, merchant=MERCHANT, preview=theme)
    return page.content.decode()


@pytest.mark.parametrize(("language", "name"), EVERY)
def test_a_page_is_filled_with_a_debt_that_is_made_up(language: str, name: str) -> None:
    page, words = shown(name, language), PAGE_WORDS[language].pages[name]
    needs = previews.NEEDS.get(name, previews.Needs())

    assert words.heading in page
    assert previews.UNKNOWN not in page
    assert "{" not in page.partition("</style>")[2]
    assert page.count('<form method="post" action="#">') == len(words.buttons)
    assert page.count("<dt") == len(needs.outcomes) + 5 * needs.has_debt
    assert page.count('href="#"') == len(needs.outcomes) * needs.has_links
    assert f'lang="{language}"' in page


def test_the_chooser_has_every_page_there_is() -> None:
    assert [name for name, _heading in previews.states()] == list(PAGE_WORDS["en"].pages)
    assert set(previews.NEEDS) <= set(PAGE_WORDS["en"].pages)


def test_a_payment_that_is_to_be_confirmed_failed_for_that_reason() -> None:
    assert WORDING["en"].reasons["confirmation"] in shown("to_confirm")
    assert WORDING["en"].reasons["expired"] in shown("failed")


def test_a_page_that_nobody_thought_of_is_shown_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = Page("New", ("{product} in {minutes} minutes: {amount}",), ("Go on {there}",), "{days}")
    english = replace(PAGE_WORDS["en"], pages={**PAGE_WORDS["en"].pages, "new": page})
    known = MappingProxyType({**PAGE_WORDS, "en": english})
    for module in (page_words, pages, previews):
        monkeypatch.setattr(module, "PAGE_WORDS", known)

    said = shown("new")

    assert ("new", "New (new)") in previews.states()
    assert "Fern Tea Club in … minutes: €49.00" in said
    assert "Go on …" in said
    assert '<p class="quiet">7</p>' in said


@pytest.mark.parametrize(
    ("theme", "scheme", "dark"),
    [
        ("", "light dark", "(prefers-color-scheme: dark)"),
        ("light", "light", "not all"),
        ("dark", "dark", "all"),
    ],
)
def test_a_theme_is_the_readers_own_unless_it_is_chosen(
    theme: str, scheme: str, dark: str
) -> None:
    style = shown("failed", theme=theme).partition("</style>")[0]

    assert f"color-scheme: {scheme};" in style
    assert f"@media {dark} {{" in style
    assert ("prefers-color-scheme" in style) == (not theme)


@pytest.mark.parametrize(
    ("color", "said"),
    [
        ("#0a6847", "White text on #0a6847 has 6.8:1."),
        ("#ffe94d", "White text on #ffe94d would have 1.2:1, so black is used."),
        ("#767676", "White text on #767676 has 4.5:1."),
        ("#777777", "Neither white nor black can be read on #777777: white on black is used."),
        ("#808080", "White text on #808080 would have 3.9:1, so black is used."),
        ("#ffffff", "White text on #ffffff would have 1.0:1, so black is used."),
    ],
)
def test_what_a_color_does_to_its_text_is_told(color: str, said: str) -> None:
    assert previews.told_of_color(color) == said


def test_what_is_tried_is_tried_on_a_copy() -> None:
    tried = previews.dressed(MERCHANT, color="#ffe94d", product_name="Moss")
    as_it_is = previews.dressed(MERCHANT)

    assert (tried.color, tried.product_name) == ("#ffe94d", "Moss")
    assert (as_it_is.color, as_it_is.product_name) == ("#0a6847", "Fern Tea Club")
    assert (MERCHANT.color, MERCHANT.product_name) == ("#0a6847", "Fern Tea Club")


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_making_previews_saves_nothing(language: str) -> None:
    for name, _heading in previews.states():
        shown(name, language)

    assert not RecoveryCase.objects.exists()
    assert not Customer.objects.exists()
