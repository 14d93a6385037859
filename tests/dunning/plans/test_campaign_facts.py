"""What makes a campaign one that can be used: each thing that is wrong, in one sentence."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dunning import models
from dunning.plans.campaign_facts import (
    CampaignFacts,
    EndAction,
    InvalidCampaignError,
    StepFacts,
    check,
    offsets,
)
from dunning.plans.default_plans import DEFAULTS
from dunning.timing import schedule
from dunning.timing.schedule import Channel, DelayFrom
from recovery.charging_rules import RetryDriver
from recovery.declines import DeclineType

TEMPLATES = ("failed", "new_card", "action", "reminder", "final")
DAY = timedelta(days=1)
MAIL = StepFacts(DAY, template="failed")
RETRY = StepFacts(DAY, channel=Channel.RETRY)


def plan(*steps: StepFacts, **changes: Any) -> CampaignFacts:
    return replace(CampaignFacts("Plan", steps or (MAIL,)), **changes)


def said(facts: CampaignFacts) -> str:
    with pytest.raises(InvalidCampaignError) as error:
        check(facts, templates=TEMPLATES)
    return str(error.value)


@pytest.mark.parametrize("decline_type", DeclineType)
def test_every_default_can_be_used(decline_type: DeclineType) -> None:
    facts = DEFAULTS[decline_type]
    check(facts, templates=TEMPLATES)
    assert facts.default_for == decline_type
    assert len(facts.steps) <= 5
    assert offsets(facts.steps)[-1] == timedelta(days=27)


@pytest.mark.parametrize(
    ("decline_type", "days"),
    [
        ("soft", [1, 4, 10, 18, 27]),
        ("hard", [0, 3, 8, 16, 27]),
        ("action_required", [0, 2, 6, 14, 27]),
    ],
)
def test_only_where_a_silent_retry_may_help_does_the_first_mail_wait(
    decline_type: str, days: list[int]
) -> None:
    steps = DEFAULTS[DeclineType(decline_type)].steps
    assert [offset.days for offset in offsets(steps)] == days


@pytest.mark.parametrize(
    "facts",
    [
        plan(),
        plan(name="n" * 100, priority=-1_000_000),
        plan(StepFacts(timedelta(0), template="final"), MAIL),
        plan(MAIL, MAIL),
        plan(RETRY, retries=RetryDriver.RECOVER),
        plan(StepFacts(DAY, Channel.WEBHOOK, "banner_2"), StepFacts(DAY, Channel.TASK, "Call!")),
        plan(MAIL, StepFacts(timedelta(0), template="final", delay_from=DelayFrom.PREVIOUS)),
        plan(*[MAIL] * 30),
        plan(end_action=EndAction.CANCEL_SUBSCRIPTION, conditions={"kinds": ["subscription"]}),
        plan(end_action=EndAction.MARK_LOST, conditions={"kinds": ["one_time"]}),
        plan(StepFacts(DAY, template="failed", conditions={"currencies": ["eur"]})),
    ],
)
def test_what_can_be_used_is_let_through(facts: CampaignFacts) -> None:
    check(facts, templates=TEMPLATES)


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (plan(name=" "), "A campaign's name has 1 to 100 characters."),
        (plan(name="n" * 101), "A campaign's name has 1 to 100 characters."),
        (plan(priority=1_000_001), "A priority is a whole number from -1000000 to 1000000."),
        (plan(conditions={"amount_from": 1}),
         "An amount needs its currency: name exactly one in currencies."),
        *(
            (plan(default_for="soft", **change),
             ("The default for soft declines takes what no other campaign takes: it has no "
             "conditions and no priority."))
            for change in ({"priority": 1}, {"conditions": {"currencies": ["eur"]}})
        ),
        (plan(end_action=EndAction.CANCEL_SUBSCRIPTION, conditions={"kinds": ["one_time"]}),
         "One-time payments have no subscription that could be canceled at the end."),
        (plan(end_action=EndAction.MARK_UNCOLLECTIBLE, conditions={"kinds": ["one_time"]}),
         "One-time payments have no invoice that could be marked uncollectible at the end."),
        (replace(plan(), steps=()), "A campaign has 1 to 30 steps; this one has 0."),
        (plan(*[MAIL] * 31), "A campaign has 1 to 30 steps; this one has 31."),
        (plan(MAIL, StepFacts(DAY, template="welcome")),
         ("Step 2 is an e-mail with the template 'welcome': there are failed, new_card, action, "
         "reminder, final.")),
        (plan(StepFacts(DAY)),
         ("Step 1 is an e-mail with the template '': there are failed, new_card, action, "
         "reminder, final.")),
        (plan(StepFacts(DAY, Channel.RETRY, "failed"), retries=RetryDriver.RECOVER),
         "Step 1 is a retry and says nothing: leave its template out."),
        (plan(StepFacts(DAY, Channel.TASK)),
         "Step 1 is a task and says what it is about in its template, in 1 to 50 characters."),
        (plan(StepFacts(DAY, Channel.WEBHOOK, "w" * 51)),
         "Step 1 is a webhook and says what it is about in its template, in 1 to 50 characters."),
        (plan(StepFacts(DAY, Channel.WEBHOOK, "Show banner")),
         ("Step 1 is a webhook and is called by its template, which other systems read: use small "
         "letters, digits and _.")),
        (plan(StepFacts(DAY, template="failed", conditions={"kinds": []})),
         "Step 1: kinds must be a list of one or more texts, or be left out."),
        (plan(StepFacts(-DAY, template="failed")), "Step 1 has a delay below zero."),
        (plan(StepFacts(366 * DAY, template="failed")),
         "Step 1 comes more than 365 days after the failure."),
        (plan(StepFacts(3 * DAY, template="failed"), StepFacts(2 * DAY, template="final")),
         "Step 2 comes 2 days after the failure, before step 1 (3 days): put the steps in order."),
        (plan(
            MAIL, StepFacts(3 * DAY, template="reminder", delay_from=DelayFrom.PREVIOUS),
            StepFacts(3 * DAY, template="final"),
         ),
         "Step 3 comes 3 days after the failure, before step 2 (4 days): put the steps in order."),
        (plan(MAIL, RETRY),
         ("Step 2 is a retry, and the retries are Stripe's: give them to Recover, or take the "
         "step out.")),
        (plan(retries=RetryDriver.RECOVER),
         "The retries are Recover's, and no step is a retry: nobody would ask for the money."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_sentence(facts: CampaignFacts, sentence: str) -> None:
    assert said(facts) == sentence


@pytest.mark.parametrize(
    ("pure", "stored"),
    [
        (EndAction, models.EndAction),
        (schedule.Channel, models.Channel),
        (schedule.DelayFrom, models.DelayFrom),
    ],
)
def test_the_rules_and_the_rows_use_the_same_words(pure: Any, stored: Any) -> None:
    assert [str(member) for member in pure] == stored.values
