"""Past cases under other campaigns: what would have been done, and how that is told."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dunning.plans.campaign_facts import CampaignFacts, EndAction, StepFacts
from dunning.plans.conditions import CaseFacts
from dunning.plans.default_plans import DEFAULTS
from dunning.plans.replay import (
    Act,
    Campaigns,
    Course,
    DryRun,
    PastCase,
    course,
    differences,
    in_time,
    replay,
)
from dunning.plans.selection import Contender
from dunning.timing.schedule import WHOLE_DAY, Channel, DelayFrom, Where
from dunning.timing.windows import Window
from recovery.declines import DeclineType

FAILED_AT = datetime(2026, 9, 1, 9, tzinfo=UTC)  # a Tuesday
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
ANYWHERE = Where(zone=ZoneInfo("UTC"), country="", window=WHOLE_DAY, decline_code="")


def past(number: int = 1, *, lasted: float = 60, **changes: Any) -> PastCase:
    facts = CaseFacts(
        decline_type="soft", decline_code="generic_decline", currency="usd", amount=4900,
        kind="subscription", metadata={},
    )  # fmt: skip
    return replace(
        PastCase(
            public_id=f"case_{number}", facts=facts, failed_at=FAILED_AT, started_at=FAILED_AT,
            ended_at=FAILED_AT + timedelta(days=lasted), where=ANYWHERE,
        ),
        **changes,
    )  # fmt: skip


def mails(*days: float) -> CampaignFacts:
    steps = tuple(StepFacts(timedelta(days=day), template="reminder") for day in days)
    return CampaignFacts("Plan", steps)


def days(found: Course) -> list[tuple[str, float]]:
    return [(str(act.channel), (act.at - FAILED_AT) / DAY) for act in found.acts]


def run(plan: CampaignFacts, case: PastCase) -> Course:
    return course(plan, case, last_chance=WEEK)


# --- what a campaign does on a case -----------------------------------------------------------


def test_each_step_is_taken_at_its_time_until_the_case_ends() -> None:
    plan = mails(0, 3, 8)
    assert days(run(plan, past())) == [("email", 0), ("email", 3), ("email", 8)]
    assert days(run(plan, past(lasted=8))) == [("email", 0), ("email", 3)]
    assert days(run(plan, past(lasted=0))) == []


def test_a_case_that_was_heard_of_late_starts_with_the_latest_mail() -> None:
    late = past(started_at=FAILED_AT + 5 * DAY)
    assert days(run(mails(0, 3, 8), late)) == [("email", 5), ("email", 8)]


def test_a_step_whose_condition_is_not_met_is_left_out() -> None:
    only_euros = StepFacts(DAY, Channel.WEBHOOK, "banner", conditions={"currencies": ["eur"]})
    after = StepFacts(DAY, template="failed", delay_from=DelayFrom.PREVIOUS)
    plan = CampaignFacts("Plan", (only_euros, after))
    assert days(run(plan, past())) == [("email", 2)]
    euros = replace(past().facts, currency="eur")
    assert days(run(plan, past(facts=euros))) == [("webhook", 1), ("email", 2)]


def test_the_customers_own_day_counts() -> None:
    weekdays = Window(from_hour=8, until_hour=20, weekdays=frozenset({1, 2, 3, 4, 5}))
    tokyo = replace(ANYWHERE, zone=ZoneInfo("Asia/Tokyo"), window=weekdays)
    found = run(mails(4), past(where=tokyo))
    assert [act.at for act in found.acts] == [datetime(2026, 9, 6, 23, tzinfo=UTC)]  # Monday, 8:00


@pytest.mark.parametrize(
    ("lasted", "end"),
    [(60, EndAction.MARK_LOST), (10.1, EndAction.MARK_LOST), (10, None), (4, None)],
)
def test_the_end_comes_a_last_chance_after_the_last_step(
    lasted: float, end: EndAction | None
) -> None:
    plan = replace(mails(0, 3), end_action=EndAction.MARK_LOST)
    assert run(plan, past(lasted=lasted)).end is end


def test_a_campaign_without_steps_does_nothing() -> None:
    assert run(CampaignFacts("Empty", ()), past()) == Course()


# --- what is different ------------------------------------------------------------------------


def done(*acts: tuple[Channel, float], end: EndAction | None = None) -> Course:
    return Course(tuple(Act(channel, FAILED_AT + day * DAY) for channel, day in acts), end)


E, R, W, T = Channel.EMAIL, Channel.RETRY, Channel.WEBHOOK, Channel.TASK


@pytest.mark.parametrize(
    ("old", "new", "sentences"),
    [
        (done((E, 0), (E, 3)), done((E, 0), (E, 3)), []),
        (done((E, 0), (E, 3)), done((E, 0), (E, 1)), ["got the second mail 2 days earlier"]),
        (done((E, 0)), done((E, 1)), ["got the first mail 1 day later"]),
        (done((E, 0)), done((E, 0.5)), ["got the first mail 12 hours later"]),
        (done((E, 0)), done(), ["got no mail"]),
        (done(), done((E, 0)), ["got 1 mail more"]),
        (done((E, 0), (E, 1), (E, 2)), done((E, 0)), ["got 2 mails fewer"]),
        (done((E, 0)), done((E, 0), (R, 1), (R, 2)), ["got 2 retries by Recover more"]),
        (done((W, 0)), done((T, 0)), ["got no webhook", "got 1 task for a person more"]),
        (done(*[(E, 0)] * 10), done(*[(E, 0)] * 9, (E, 2)), ["got the 10th mail 2 days later"]),
        (done(), done(end=EndAction.MARK_LOST), ["been marked lost at the end"]),
        (done(end=EndAction.MARK_LOST), done(), ["not been marked lost at the end"]),
        (done(end=EndAction.LEAVE_OPEN), done(), []),
        (done(end=EndAction.MARK_LOST), done(end=EndAction.CANCEL_SUBSCRIPTION),
         ["had the subscription canceled at the end"]),
        (done(), done(end=EndAction.MARK_UNCOLLECTIBLE),
         ["had the invoice marked uncollectible at the end"]),
    ],
)  # fmt: skip
def test_what_is_different_is_told(old: Course, new: Course, sentences: list[str]) -> None:
    assert list(differences(old, new)) == sentences


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (0, ""), (0.9, ""), (-0.9, ""), (1, "1 hour later"), (-14, "14 hours earlier"),
        (23, "1 day later"), (24, "1 day later"), (25, "1 day later"), (30, "30 hours later"),
        (47, "2 days later"), (-48, "2 days earlier"), (62, "3 days later"),
    ],
)  # fmt: skip
def test_a_shift_is_told_in_days_or_within_two_days_in_hours(hours: float, words: str) -> None:
    assert in_time(timedelta(hours=hours)) == words


# --- whole histories --------------------------------------------------------------------------

SHIPPED = {
    str(decline_type): Contender(str(decline_type), 1, facts)
    for decline_type, facts in DEFAULTS.items()
}


def published(
    *rivals: Contender[str], defaults: Mapping[str, Contender[str]] = SHIPPED
) -> Campaigns:
    return Campaigns(rivals, defaults)


def compared(cases: list[PastCase], before: Campaigns, after: Campaigns) -> DryRun:
    return replay(cases, plan="plan", before=before, after=after, last_chance=WEEK, days=90)


def contender(facts: CampaignFacts, version: int = 1) -> Contender[str]:
    return Contender("plan", version, facts)


def test_a_mail_that_goes_earlier_is_counted_with_the_cases_that_would_have_got_it() -> None:
    cases = [past(number, lasted=10) for number in range(1, 42)] + [past(99, lasted=0.5)]

    result = compared(
        cases, published(contender(mails(0, 3))), published(contender(mails(0, 1), 2))
    )

    assert (result.cases, result.taken_before, result.taken_after) == (42, 42, 42)
    assert result.unchanged == 1
    assert [str(finding) for finding in result.findings] == [
        "41 cases would have got the second mail 2 days earlier (case_1, case_2, case_3, …)."
    ]
    assert result.acts == {E: (83, 83), R: (0, 0), W: (0, 0), T: (0, 0)}


def test_cases_that_would_have_come_from_another_campaign_are_told_of() -> None:
    euros = replace(mails(0), name="Euros", conditions={"currencies": ["eur"]}, priority=1)
    dear = past(1, facts=replace(past().facts, currency="eur"))

    result = compared([dear, past(2)], published(), published(contender(euros)))

    assert (result.taken_before, result.taken_after, result.unchanged) == (0, 1, 0)
    assert [str(finding) for finding in result.findings] == [
        "1 case would have come to this campaign from Default for soft declines (case_1).",
        "1 case would have got 4 mails fewer (case_1).",
        "1 case would have got the first mail 1 day earlier (case_1).",
    ]
    assert result.acts[E] == (5, 1)  # the other case is none of its business


def test_cases_that_would_have_gone_to_another_campaign_are_told_of() -> None:
    narrower = replace(mails(0), conditions={"amount_from": 9900, "currencies": ["usd"]})

    result = compared([past()], published(contender(mails(0))), published(contender(narrower, 2)))

    assert (result.taken_before, result.taken_after) == (1, 0)
    assert str(result.findings[0]) == (
        "1 case would have gone from this campaign to Default for soft declines (case_1)."
    )


def test_a_default_can_be_tried_too() -> None:
    calls = (StepFacts(DAY, Channel.TASK, "Call them."),)
    now = contender(DEFAULTS[DeclineType.SOFT])
    tried = contender(replace(DEFAULTS[DeclineType.SOFT], steps=calls), 2)

    result = compared(
        [past(), past(2, facts=replace(past().facts, decline_type="hard"))],
        published(defaults={**SHIPPED, "soft": now}),
        published(defaults={**SHIPPED, "soft": tried}),
    )

    assert (result.cases, result.taken_before, result.taken_after) == (2, 1, 1)
    assert [str(finding) for finding in result.findings] == [
        "1 case would have got 1 task for a person more (case_1).",
        "1 case would have got no mail (case_1).",
    ]
