"""The shipped words: the same messages in every language, none of them a false friend."""

import re

import pytest

from billing_portal import discretion
from billing_portal.languages import LANGUAGES
from dunning.models.messages import NEW_LINK
from dunning.plans.default_plans import DEFAULTS
from dunning.wording.filling import cleaned
from dunning.wording.template_language import variables
from dunning.wording.variables import NAMES, VARIABLES
from dunning.wording.words import PHRASES, SHIPPED, TEMPLATES
from recovery.declines import DeclineType

EVERY = [(language, name) for language in LANGUAGES for name in TEMPLATES]


def test_every_step_of_every_default_campaign_has_words() -> None:
    used = {step.template for facts in DEFAULTS.values() for step in facts.steps}

    assert set(DEFAULTS) == set(DeclineType)
    assert used | {NEW_LINK} == set(TEMPLATES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_words(language: str) -> None:
    assert list(SHIPPED[language]) == list(SHIPPED["en"])
    assert list(PHRASES[language]) == list(PHRASES["en"])
    for name, phrase in PHRASES["en"].items():
        assert re.findall(r"\{\w+\}", PHRASES[language][name]) == re.findall(r"\{\w+\}", phrase)


@pytest.mark.parametrize(("language", "name"), EVERY)
def test_shipped_words_speak_of_the_same_facts_in_every_language(language: str, name: str) -> None:
    words, english = SHIPPED[language][name], SHIPPED["en"][name]

    assert variables(words.subject) == variables(english.subject)
    assert variables(words.body) == variables(english.body) <= NAMES
    assert words.body.count("<p>") == english.body.count("<p>")
    assert (words.text, variables(words.button)) == ("", frozenset())


@pytest.mark.parametrize(("language", "name"), EVERY)
def test_shipped_words_are_calm_discreet_and_what_a_merchant_could_have_written(
    language: str, name: str
) -> None:
    words = SHIPPED[language][name]
    whole = f"{words.subject}\n{words.body}\n{words.button}"

    assert discretion.indiscretion(whole, language) == ""
    assert "!" not in re.sub("{%.*?%}", "", whole)
    assert "！" not in whole
    assert cleaned(words.body) == words.body
    assert len(words.button) <= 30


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_layout_is_as_discreet_and_calm(language: str) -> None:
    whole = "\n".join(PHRASES[language].values())

    assert discretion.indiscretion(whole, language) == ""
    assert not re.search("[!！]", whole)


def test_every_variable_is_described_with_a_sample() -> None:
    for variable in VARIABLES.values():
        assert variable.description.endswith(".")
        assert variable.sample
