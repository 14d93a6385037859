"""Which campaign takes a case, and why each other one doesn't."""

from datetime import timedelta
from typing import Any

from dunning.plans.campaign_facts import CampaignFacts, StepFacts
from dunning.plans.conditions import CaseFacts
from dunning.plans.default_plans import DEFAULTS
from dunning.plans.selection import Contender, PassedOver, Taken, pick
from recovery.declines import DeclineType

CASE = CaseFacts(
    decline_type="soft", decline_code="insufficient_funds", currency="eur", amount=9900,
    kind="subscription", metadata={"plan": "gold"},
)  # fmt: skip
DEFAULT = Contender("default", 1, DEFAULTS[DeclineType.SOFT])


def contender(name: str, priority: int = 0, **conditions: Any) -> Contender[str]:
    steps = (StepFacts(timedelta(0), template="failed"),)
    return Contender(name, 2, CampaignFacts(name, steps, conditions, priority))


def taken(*contenders: Contender[str]) -> Taken[str]:
    return pick(contenders, default=DEFAULT, case=CASE)


def test_without_campaigns_of_its_own_a_merchants_case_is_taken_by_the_default() -> None:
    assert taken() == Taken(DEFAULT, "default for soft declines", {"decline_type": "soft"}, ())


def test_a_campaign_whose_conditions_are_met_goes_before_the_default() -> None:
    euros = contender("Euros", currencies=["eur"])

    assert taken(euros) == Taken(euros, "it meets Euros: currency is eur", {"currency": "eur"}, ())


def test_the_highest_priority_takes_the_case_and_of_equals_the_one_that_stands_first() -> None:
    low, high, same = contender("Low", 1), contender("High", 5), contender("Same", 5)

    choice = taken(low, high, same)

    assert choice.contender is high
    assert choice.passed_over == (
        PassedOver("Same", 2, 5, "High is older"),
        PassedOver("Low", 2, 1, "High has a higher priority"),
    )


def test_what_has_a_higher_priority_and_does_not_fit_says_which_condition() -> None:
    dollars = contender("Dollars", 9, currencies=["usd"])
    basic = contender("Basic", 8, metadata={"plan": ["basic"]})

    choice = taken(basic, dollars)

    assert (choice.contender, choice.rule) == (DEFAULT, "default for soft declines")
    assert choice.passed_over == (
        PassedOver("Dollars", 2, 9, "currency is eur, not usd"),
        PassedOver("Basic", 2, 8, "metadata plan is gold, not basic"),
    )


def test_a_negative_priority_still_goes_before_the_default() -> None:
    last = contender("Last", -5)
    assert taken(last).contender is last


def test_another_default_is_no_rival() -> None:
    hard = Contender("hard", 1, DEFAULTS[DeclineType.HARD])
    assert taken(hard).contender is DEFAULT
    assert taken(hard).passed_over == ()


def test_conditions_that_cannot_be_read_take_no_case_and_say_so() -> None:
    newer = contender("Newer", 9, moon=["full"])

    [passed] = taken(newer).passed_over

    assert taken(newer).contender is DEFAULT
    assert passed.why_not.startswith("its conditions can't be read: There is no condition 'moon'")
