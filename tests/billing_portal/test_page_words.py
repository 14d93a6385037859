"""The words of the customer's pages: the same pages in every language, calm, and nowhere else."""

import re
from pathlib import Path
from string import Formatter

import pytest

from billing_portal import discretion
from billing_portal.languages import LANGUAGES
from billing_portal.links import LinkState
from billing_portal.page_words import PAGE_WORDS, Page, PageWords
from billing_portal.payment_updates import Overall
from recovery.attempts import Outcome

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "billing_portal"
EVERY = [(language, name) for language in LANGUAGES for name in PAGE_WORDS["en"].pages]
LONGEST_BUTTON = 30  # characters, on one line of a phone
FACTS = {
    "failed": {"reason"},
    "given_up": {"reason"},
    "to_confirm": {"reason"},
    "to_pay": {"reason", "amount"},
    "checkout_unpaid": {"amount"},
    "expired": {"days", "product"},
    "replaced": {"product"},
    "revoked": {"product"},
    "paid_with_more": {"product"},
    "voided_with_more": {"product"},
    "written_off": {"product"},
    "written_off_with_more": {"product"},
    "pay_at_stripe": {"amount"},
    "back_given_up": {"product"},
    "back_other_card": {"saved"},
    "unsubscribe": {"product", "address"},
    "unsubscribed": {"product", "address"},
    "too_many": {"wait"},
}


def facts(*texts: str) -> set[str]:
    return {name for text in texts for _, name, *_ in Formatter().parse(text) if name}


def texts(page: Page) -> list[str]:
    return [page.heading, *page.paragraphs, *page.buttons, page.quiet]


def everything(words: PageWords) -> str:
    said = [text for page in words.pages.values() for text in texts(page)]
    return "\n".join([*said, *words.phrases.values(), *words.outcomes.values()])


def test_every_state_has_words() -> None:
    words = PAGE_WORDS["en"]
    states = {state.value for state in LinkState if state is not LinkState.VALID}
    results = {f"back_{overall}" for overall in Overall} - {"back_needs_authentication"}

    assert states <= set(words.pages)
    assert results <= set(words.pages)
    assert set(words.outcomes) == {outcome.value for outcome in Outcome}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_all_that_english_says(language: str) -> None:
    english, here = PAGE_WORDS["en"], PAGE_WORDS[language]

    assert list(here.pages) == list(english.pages)
    assert list(here.phrases) == list(english.phrases)
    assert list(here.outcomes) == list(english.outcomes)
    for name, phrase in english.phrases.items():
        assert facts(here.phrases[name]) == facts(phrase)


@pytest.mark.parametrize(("language", "name"), EVERY)
def test_a_page_says_the_same_in_every_language(language: str, name: str) -> None:
    english, here = PAGE_WORDS["en"].pages[name], PAGE_WORDS[language].pages[name]

    assert facts(*texts(here)) == FACTS.get(name, set())
    assert len(here.paragraphs) == len(english.paragraphs)
    assert len(here.buttons) == len(english.buttons)
    assert bool(here.quiet) == bool(english.quiet)
    assert not re.search(r"[.。]$", here.heading)
    assert all(re.search(r"[.。]$", paragraph) for paragraph in here.paragraphs)
    assert max(map(len, here.buttons), default=0) <= LONGEST_BUTTON


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_are_calm_and_discreet(language: str) -> None:
    whole = everything(PAGE_WORDS[language])

    assert discretion.indiscretion(whole, language) == ""
    assert not re.search(r"[!！<>&]|TODO", whole)
    assert "'" not in whole  # but as it is printed


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_nothing_is_left_in_english(language: str) -> None:
    english, here = PAGE_WORDS["en"], PAGE_WORDS[language]
    same = [
        name for name, page in here.pages.items()
        if set(texts(page)) & (set(texts(english.pages[name])) - {""})
    ]  # fmt: skip

    assert same == []
    assert set(here.outcomes.values()) & set(english.outcomes.values()) == set()


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_no_template_holds_prose_of_its_own(path: Path) -> None:
    source = re.sub(r"{%.*?%}|{{.*?}}", "", path.read_text(), flags=re.DOTALL)
    source = re.sub(r"<style.*?</style>", "", source, flags=re.DOTALL)
    read_out = re.findall(r'(?:aria-label|alt|title|placeholder|value)="([^"]*)"', source)

    assert not re.search(r"\w", re.sub(r"<[^>]*>", "", source))
    assert [text for text in read_out if text] == []
