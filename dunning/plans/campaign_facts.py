"""What a campaign says, as facts of no database, and what makes it one that can be used."""

import enum
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from dunning.plans.conditions import ConditionError, Kind, parse
from dunning.plans.durations import in_words
from dunning.timing.schedule import Channel, DelayFrom
from recovery.charging_rules import RetryDriver

LONGEST_NAME = 100
LONGEST_TEMPLATE = 50
MOST_STEPS = 30
MOST_PRIORITY = 1_000_000
LONGEST_DELAY = timedelta(days=365)
CALLED = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
NOTHING: Mapping[str, Any] = MappingProxyType({})


class EndAction(enum.StrEnum):
    """What happens to a debt when every step was taken and nobody paid."""

    LEAVE_OPEN = "leave_open"
    MARK_LOST = "mark_lost"
    CANCEL_SUBSCRIPTION = "cancel_subscription"
    MARK_UNCOLLECTIBLE = "mark_uncollectible"


class InvalidCampaignError(ValueError):
    """The campaign can't be used; the text says in one sentence what is wrong."""


@dataclass(frozen=True, slots=True)
class StepFacts:
    """One step; its place in the campaign is its position."""

    delay: timedelta
    channel: Channel = Channel.EMAIL
    template: str = ""
    delay_from: DelayFrom = DelayFrom.FAILURE
    conditions: Mapping[str, Any] = field(default_factory=lambda: NOTHING)

    @property
    def called(self) -> str:
        return self.template or str(self.channel)


@dataclass(frozen=True, slots=True)
class CampaignFacts:
    name: str
    steps: tuple[StepFacts, ...]
    conditions: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    priority: int = 0
    retries: RetryDriver = RetryDriver.STRIPE
    end_action: EndAction = EndAction.LEAVE_OPEN
    default_for: str = ""

    @property
    def is_default(self) -> bool:
        return bool(self.default_for)


def offsets(steps: Sequence[StepFacts]) -> list[timedelta]:
    """When each step is wanted, counted from the failure."""
    counted: list[timedelta] = []
    for step in steps:
        before = counted[-1] if counted else timedelta(0)
        is_relative = step.delay_from is DelayFrom.PREVIOUS
        counted.append(before + step.delay if is_relative else step.delay)
    return counted


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, in one sentence; with which `field`, of the step at `position` or, at 0, of
    the campaign itself."""

    why: str
    field: str
    position: int = 0


def check(facts: CampaignFacts, *, templates: Collection[str]) -> None:
    """Raises InvalidCampaignError for the first thing that is wrong. `templates` are the names
    of the words that an e-mail can have."""
    for problem in problems(facts, templates=templates):
        raise InvalidCampaignError(problem.why)


def problems(facts: CampaignFacts, *, templates: Collection[str]) -> Iterator[Problem]:
    """All that is wrong."""
    yield from _wrong_with_conditions(facts.conditions)
    yield from _wrong_with_name_and_order(facts)
    yield from _wrong_with_end(facts)
    yield from _wrong_with_steps(facts.steps, templates)
    yield from _wrong_with_times(facts.steps)
    yield from _wrong_with_retries(facts)


def _wrong_with_conditions(value: Mapping[str, Any], position: int = 0) -> Iterator[Problem]:
    try:
        parse(value)
    except ConditionError as error:
        where = f"Step {position}: " if position else ""
        yield Problem(f"{where}{error}", "conditions", position)


def _wrong_with_name_and_order(facts: CampaignFacts) -> Iterator[Problem]:
    if not facts.name.strip() or len(facts.name) > LONGEST_NAME:
        yield Problem(f"A campaign's name has 1 to {LONGEST_NAME} characters.", "name")
    if abs(facts.priority) > MOST_PRIORITY:
        yield Problem(
            f"A priority is a whole number from -{MOST_PRIORITY} to {MOST_PRIORITY}.", "priority"
        )
    if facts.is_default and (facts.conditions or facts.priority):
        yield Problem(
            f"The default for {facts.default_for} declines takes what no other campaign takes: "
            "it has no conditions and no priority.",
            "conditions" if facts.conditions else "priority",
        )


def _wrong_with_end(facts: CampaignFacts) -> Iterator[Problem]:
    if facts.conditions.get("kinds") not in ([Kind.ONE_TIME], (Kind.ONE_TIME,)):
        return
    if facts.end_action is EndAction.CANCEL_SUBSCRIPTION:
        yield Problem(
            "One-time payments have no subscription that could be canceled at the end.",
            "end_action",
        )
    if facts.end_action is EndAction.MARK_UNCOLLECTIBLE:
        yield Problem(
            "One-time payments have no invoice that could be marked uncollectible at the end.",
            "end_action",
        )


def _wrong_with_steps(steps: Sequence[StepFacts], templates: Collection[str]) -> Iterator[Problem]:
    if not 0 < len(steps) <= MOST_STEPS:
        yield Problem(
            f"A campaign has 1 to {MOST_STEPS} steps; this one has {len(steps)}.", "steps"
        )
    for position, step in enumerate(steps, start=1):
        if why := _wrong_with_words(position, step, templates):
            yield Problem(why, "template", position)
        yield from _wrong_with_conditions(step.conditions, position)


def _wrong_with_words(position: int, step: StepFacts, templates: Collection[str]) -> str:
    if step.channel is Channel.RETRY:
        if step.template:
            return f"Step {position} is a retry and says nothing: leave its template out."
    elif step.channel is Channel.EMAIL:
        if step.template not in templates:
            return (
                f"Step {position} is an e-mail with the template {step.template!r}: "
                f"there are {', '.join(templates)}."
            )
    elif len(step.template) > LONGEST_TEMPLATE or not step.template.strip():
        return (
            f"Step {position} is a {step.channel} and says what it is about in its template, in "
            f"1 to {LONGEST_TEMPLATE} characters."
        )
    elif step.channel is Channel.WEBHOOK and not CALLED.fullmatch(step.template):
        return (
            f"Step {position} is a webhook and is called by its template, which other systems "
            "read: use small letters, digits and _."
        )
    return ""


def _wrong_with_times(steps: Sequence[StepFacts]) -> Iterator[Problem]:
    before = timedelta(0)
    for position, (step, offset) in enumerate(zip(steps, offsets(steps), strict=True), start=1):
        if step.delay < timedelta(0):
            yield Problem(f"Step {position} has a delay below zero.", "delay", position)
        if offset > LONGEST_DELAY:
            yield Problem(
                f"Step {position} comes more than {LONGEST_DELAY.days} days after the failure.",
                "delay", position,
            )  # fmt: skip
        if offset < before:
            yield Problem(
                f"Step {position} comes {in_words(offset)} after the failure, before step "
                f"{position - 1} ({in_words(before)}): put the steps in order.",
                "delay", position,
            )  # fmt: skip
        before = offset


def _wrong_with_retries(facts: CampaignFacts) -> Iterator[Problem]:
    """Two who retry would overlap, and one who was given the retries and makes none is a debt
    that nobody asks for any more."""
    retries = [
        position
        for position, step in enumerate(facts.steps, start=1)
        if step.channel is Channel.RETRY
    ]
    if retries and facts.retries is RetryDriver.STRIPE:
        yield Problem(
            f"Step {retries[0]} is a retry, and the retries are Stripe's: "
            "give them to Recover, or take the step out.",
            "channel", retries[0],
        )  # fmt: skip
    if not retries and facts.retries is RetryDriver.RECOVER:
        yield Problem(
            "The retries are Recover's, and no step is a retry: nobody would ask for the money.",
            "retries",
        )
