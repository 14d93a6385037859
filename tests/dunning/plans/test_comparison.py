"""What is different between two versions, as sentences that a merchant can read."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dunning.plans.campaign_facts import CampaignFacts, EndAction, StepFacts
from dunning.plans.comparison import Difference, compare, describe
from dunning.plans.default_plans import DEFAULTS
from dunning.timing.schedule import Channel, DelayFrom
from recovery.charging_rules import RetryDriver
from recovery.declines import DeclineType


def mail(template: str, days: float = 0, **more: Any) -> StepFacts:
    return StepFacts(timedelta(days=days), template=template, **more)


def through(channel: Channel, days: float, template: str = "") -> StepFacts:
    return StepFacts(timedelta(days=days), channel, template)


FAILED, THREE, EIGHT, FINAL = (
    mail("failed"), mail("reminder", 3), mail("reminder", 8), mail("final", 14),
)  # fmt: skip
OLD = CampaignFacts("Plan", (FAILED, THREE, EIGHT, FINAL))


def said(*steps: StepFacts, **changes: Any) -> list[str]:
    return [str(one) for one in compare(OLD, replace(OLD, steps=steps or OLD.steps, **changes))]


def test_a_campaign_is_no_different_from_itself() -> None:
    assert said() == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "Better plan"}, "Name: Plan → Better plan"),
        ({"priority": 10}, "Priority: 0 → 10"),
        ({"retries": RetryDriver.RECOVER}, "Retries: Stripe's → Recover's"),
        ({"end_action": EndAction.MARK_LOST}, "At the end: leave open → mark lost"),
        ({"conditions": {"currencies": ["usd", "eur"]}},
         "Condition currencies: none → eur or usd"),
        ({"conditions": {"metadata": {"plan": ["gold"]}}},
         "Condition metadata plan: none → gold"),
    ],
)  # fmt: skip
def test_what_changed_of_the_campaign_is_told(changes: dict[str, Any], sentence: str) -> None:
    assert said(**changes) == [sentence]


def test_conditions_that_say_the_same_in_another_order_are_the_same() -> None:
    one = replace(OLD, conditions={"currencies": ["usd", "eur"], "kinds": ["one_time"]})
    other = replace(OLD, conditions={"kinds": ["one_time"], "currencies": ["eur", "usd"]})
    assert compare(one, other) == []


def test_a_condition_that_went_is_told() -> None:
    old = replace(OLD, conditions={"currencies": ["eur"], "amount_from": 5000})
    new = replace(OLD, conditions={"currencies": ["eur"]})
    assert [str(one) for one in compare(old, new)] == ["Condition amount from: 50.00 eur → none"]


@pytest.mark.parametrize(
    ("steps", "sentences"),
    [
        ((FAILED, mail("reminder", 2), EIGHT, FINAL),
         ["Step 2 (reminder): 3 days after the failure → 2 days after the failure"]),
        ((mail("failed", 1), THREE, EIGHT, FINAL),
         ["Step 1 (failed): at once after the failure → 1 day after the failure"]),
        ((FAILED, THREE, EIGHT, replace(FINAL, delay_from=DelayFrom.PREVIOUS)),
         ["Step 4 (final): 14 days after the failure → 14 days after the step before"]),
        ((FAILED, THREE, mail("action", 8), FINAL),
         ['Step 3 (action): e-mail "reminder" → e-mail "action"']),
        ((FAILED, THREE, mail("reminder", 8, conditions={"kinds": ["one_time"]}), FINAL),
         ["Step 3 (reminder), condition kinds: none → one_time"]),
        ((FAILED, THREE, EIGHT, mail("reminder", 11), FINAL),
         ["Step 4 (reminder): added, 11 days after the failure"]),
        ((FAILED, EIGHT, FINAL), ["Step 2 (reminder): removed, 3 days after the failure"]),
        ((FAILED, THREE, EIGHT), ["Step 4 (final): removed, 14 days after the failure"]),
        ((FAILED, THREE, EIGHT, through(Channel.TASK, 14, "Call them.")),
         ["Step 4 (final): removed, 14 days after the failure",
          "Step 4 (Call them.): added, 14 days after the failure"]),
        ((through(Channel.RETRY, 0), FAILED, THREE, EIGHT, FINAL),
         ["Step 1 (retry): added, at once after the failure"]),
        ((THREE, mail("failed", 5), EIGHT, FINAL),
         [("Step 2 (failed): step 1, at once after the failure → "
          "step 2, 5 days after the failure")]),
        ((mail("final", 1), FAILED, THREE, EIGHT),
         ["Step 1 (final): step 4, 14 days after the failure → step 1, 1 day after the failure"]),
    ],
)  # fmt: skip
def test_what_changed_of_the_steps_is_told_step_by_step(
    steps: tuple[StepFacts, ...], sentences: list[str]
) -> None:
    assert said(*steps) == sentences


def test_a_difference_keeps_what_was_and_what_becomes() -> None:
    assert compare(OLD, replace(OLD, steps=(FAILED, THREE, EIGHT))) == [
        Difference("Step 4 (final)", "14 days after the failure", "")
    ]


def test_a_campaign_is_described_line_by_line() -> None:
    plan = CampaignFacts(
        "Large ones",
        (
            through(Channel.RETRY, 1),
            mail("failed", 1.5, conditions={"decline_types": ["soft"]}),
            StepFacts(timedelta(0), Channel.WEBHOOK, "banner", delay_from=DelayFrom.PREVIOUS),
        ),
        conditions={"currencies": ["eur"], "amount_from": 50_000},
        retries=RetryDriver.RECOVER,
        end_action=EndAction.MARK_LOST,
    )
    assert describe(plan) == [
        "cases: currencies eur; amount from 500.00 eur",
        "retries: Recover's",
        "1. 1 day after the failure: retry",
        '2. 1 day 12 hours after the failure: e-mail "failed", only decline types soft',
        '3. at once after the step before: webhook "banner"',
        "at the end: mark lost",
    ]
    assert describe(OLD)[0] == "cases: all"
    default = DEFAULTS[DeclineType.ACTION_REQUIRED]
    assert describe(default)[0] == "cases: action required declines that nothing else takes"
