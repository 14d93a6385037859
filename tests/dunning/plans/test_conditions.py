"""Conditions: what is read, what is refused in a sentence, and which cases meet them."""

from typing import Any

import pytest

from dunning.plans.conditions import (
    NAMES,
    CaseFacts,
    ConditionError,
    Conditions,
    in_words,
    meets,
    parse,
)
from recovery.reading import LARGEST

EVERYTHING: dict[str, Any] = {
    "decline_types": ["soft", "hard"],
    "decline_codes": ["insufficient_funds"],
    "currencies": ["eur"],
    "kinds": ["subscription"],
    "amount_from": 5000,
    "amount_to": 100_000,
    "metadata": {"plan": ["gold", "silver"]},
}
NO_LIST = "must be a list of one or more texts, or be left out."


def facts(**changes: Any) -> CaseFacts:
    return CaseFacts(
        **{
            "decline_type": "soft", "decline_code": "insufficient_funds", "currency": "eur",
            "amount": 9900, "kind": "subscription", "metadata": {"plan": "gold"}, **changes,
        }
    )  # fmt: skip


def said(value: object) -> str:
    with pytest.raises(ConditionError) as error:
        parse(value)
    return str(error.value)


# --- reading ----------------------------------------------------------------------------------


def test_no_conditions_are_conditions_that_always_hold() -> None:
    assert parse({}) == Conditions()
    verdict = meets(parse({}), facts())
    assert (verdict.is_met, verdict.why, dict(verdict.facts)) == (True, "it takes every case", {})


def test_all_conditions_are_read() -> None:
    assert set(EVERYTHING) == set(NAMES)
    assert parse(EVERYTHING) == Conditions(
        decline_types=frozenset({"soft", "hard"}), decline_codes=frozenset({"insufficient_funds"}),
        currencies=frozenset({"eur"}), kinds=frozenset({"subscription"}), amount_from=5000,
        amount_to=100_000, metadata={"plan": frozenset({"gold", "silver"})},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "Conditions are a table of names and values."),
        (["soft"], "Conditions are a table of names and values."),
        ({"country": ["DE"]},
         ("There is no condition 'country': use decline_types, decline_codes, currencies, kinds, "
         "amount_from, amount_to, metadata.")),
        ({"decline_types": "soft"}, f"decline_types {NO_LIST}"),
        ({"decline_types": []}, f"decline_types {NO_LIST}"),
        ({"decline_codes": [1]}, f"decline_codes {NO_LIST}"),
        ({"currencies": [""]}, f"currencies {NO_LIST}"),
        ({"kinds": None}, f"kinds {NO_LIST}"),
        ({"decline_types": ["soft", "softly"]},
         "decline_types: there is no 'softly', only soft, hard, action_required."),
        ({"kinds": ["invoice"]}, "kinds: there is no 'invoice', only subscription, one_time."),
        ({"currencies": ["EUR"]}, "currencies: 'EUR' is not written as Stripe does (usd)."),
        ({"decline_codes": ["Lost card"]},
         "decline_codes: 'Lost card' is not written as Stripe does (insufficient_funds)."),
        *(
            ({"currencies": ["eur"], "amount_from": amount},
             "amount_from must be a whole number of minor units, 4900 for 49.00 usd.")
            for amount in (49.0, "4900", True, -1, LARGEST + 1)
        ),
        ({"amount_from": 1}, "An amount needs its currency: name exactly one in currencies."),
        ({"amount_to": 1}, "An amount needs its currency: name exactly one in currencies."),
        ({"amount_to": 1, "currencies": ["eur", "usd"]},
         "An amount needs its currency: name exactly one in currencies."),
        ({"amount_from": 2, "amount_to": 1, "currencies": ["eur"]},
         "amount_from (2) is greater than amount_to (1)."),
        ({"metadata": ["gold"]}, "metadata must be a table of keys, each with a list of values."),
        ({"metadata": {"plan": "gold"}}, f"metadata plan {NO_LIST}"),
        ({"metadata": {"plan": []}}, f"metadata plan {NO_LIST}"),
        *(
            ({"metadata": {key: [value]}},
             (f"metadata {key[:40]}: Stripe keeps keys of 1 to 40 characters and values of up to "
             "500."))
            for key, value in (("", "gold"), ("k" * 41, "gold"), ("plan", "v" * 501))
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_in_a_sentence(value: object, sentence: str) -> None:
    assert said(value) == sentence


def test_an_amount_of_nothing_and_the_largest_one_are_amounts() -> None:
    read = parse({"currencies": ["eur"], "amount_from": 0, "amount_to": LARGEST})
    assert (read.amount_from, read.amount_to) == (0, LARGEST)


# --- deciding ---------------------------------------------------------------------------------


def test_a_case_that_meets_everything_meets_the_conditions_and_says_why() -> None:
    verdict = meets(parse(EVERYTHING), facts())

    assert verdict.is_met
    assert verdict.why == (
        "decline type is soft; decline code is insufficient_funds; currency is eur; "
        "kind is subscription; metadata plan is gold; amount is 99.00 eur, from 50.00 eur; "
        "amount is 99.00 eur, up to 1000.00 eur"
    )
    assert dict(verdict.facts) == {
        "decline_type": "soft", "decline_code": "insufficient_funds", "currency": "eur",
        "kind": "subscription", "metadata plan": "gold", "amount": 9900,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"decline_type": "action_required"}, "decline type is action_required, not hard or soft"),
        ({"decline_code": "lost_card"}, "decline code is lost_card, not insufficient_funds"),
        ({"decline_code": ""}, "decline code is unknown, not insufficient_funds"),
        ({"currency": "usd"}, "currency is usd, not eur"),
        ({"kind": "one_time"}, "kind is one_time, not subscription"),
        ({"amount": 4999}, "amount is 49.99 eur, below 50.00 eur"),
        ({"amount": 100_001}, "amount is 1000.01 eur, above 1000.00 eur"),
        ({"metadata": {"plan": "basic"}}, "metadata plan is basic, not gold or silver"),
        ({"metadata": {}}, "metadata plan is unknown, not gold or silver"),
    ],
)
def test_each_condition_that_is_not_met_is_the_reason(change: dict[str, Any], why: str) -> None:
    verdict = meets(parse(EVERYTHING), facts(**change))
    assert (verdict.is_met, verdict.why) == (False, why)


@pytest.mark.parametrize(
    ("amount", "is_met"), [(4999, False), (5000, True), (100_000, True), (100_001, False)]
)
def test_both_ends_of_a_range_of_amounts_belong_to_it(amount: int, is_met: bool) -> None:
    assert meets(parse(EVERYTHING), facts(amount=amount)).is_met is is_met


def test_an_amount_is_never_held_against_one_in_another_currency() -> None:
    at_least_50_euros = parse({"currencies": ["eur"], "amount_from": 5000})
    verdict = meets(at_least_50_euros, facts(currency="jpy", amount=900_000))
    assert (verdict.is_met, verdict.why) == (False, "currency is jpy, not eur")
    assert "amount" not in verdict.facts


def test_every_key_of_the_metadata_must_fit_and_one_of_its_values() -> None:
    wanted = parse({"metadata": {"plan": ["gold", "silver"], "tier": ["1"]}})
    assert meets(wanted, facts(metadata={"plan": "silver", "tier": "1", "more": "x"})).is_met
    assert not meets(wanted, facts(metadata={"plan": "gold"})).is_met
    assert not meets(wanted, facts(metadata={"plan": "gold", "tier": "2"})).is_met


def test_conditions_are_told_in_words() -> None:
    assert dict(in_words(parse(EVERYTHING))) == {
        "decline_types": "hard or soft", "decline_codes": "insufficient_funds",
        "currencies": "eur", "kinds": "subscription", "amount_from": "50.00 eur",
        "amount_to": "1000.00 eur", "metadata plan": "gold or silver",
    }  # fmt: skip
    assert dict(in_words(parse({}))) == {}
