"""Past cases under two sets of campaigns: what the second one would have done otherwise."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from dunning.plans.campaign_facts import CampaignFacts, EndAction, StepFacts
from dunning.plans.conditions import CaseFacts, meets, parse
from dunning.plans.selection import Contender, Taken, pick
from dunning.timing import schedule
from dunning.timing.schedule import Channel, Planned, Where

MOST_EXAMPLES = 3
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
CALLED: Mapping[Channel, tuple[str, str]] = MappingProxyType(
    {
        Channel.EMAIL: ("mail", "mails"),
        Channel.RETRY: ("retry by Recover", "retries by Recover"),
        Channel.WEBHOOK: ("webhook", "webhooks"),
        Channel.TASK: ("task for a person", "tasks for a person"),
    }
)
ENDED: Mapping[EndAction | None, str] = MappingProxyType(
    {
        EndAction.MARK_LOST: "been marked lost at the end",
        EndAction.CANCEL_SUBSCRIPTION: "had the subscription canceled at the end",
        EndAction.MARK_UNCOLLECTIBLE: "had the invoice marked uncollectible at the end",
    }
)


@dataclass(frozen=True, slots=True)
class PastCase:
    """A case as it was: dunning could begin at `started_at`, and ended when the case closed or
    the replay does. Whether it would have closed at another time nobody knows."""

    public_id: str
    facts: CaseFacts
    failed_at: datetime
    started_at: datetime
    ended_at: datetime
    where: Where


@dataclass(frozen=True, slots=True)
class Campaigns:
    """What a merchant has published: by plan, the oldest first, and a default for each type of
    decline."""

    rivals: tuple[Contender[str], ...]
    defaults: Mapping[str, Contender[str]]

    def take(self, case: CaseFacts) -> Taken[str]:
        return pick(self.rivals, default=self.defaults[case.decline_type], case=case)


@dataclass(frozen=True, slots=True)
class Act:
    channel: Channel
    at: datetime


@dataclass(frozen=True, slots=True)
class Course:
    """What a campaign does on a case, and the end that it comes to if it gets so far."""

    acts: tuple[Act, ...] = ()
    end: EndAction | None = None

    def through(self, channel: Channel) -> list[Act]:
        return [act for act in self.acts if act.channel is channel]


@dataclass(frozen=True, slots=True)
class Finding:
    """`count` cases would have met with something else; `examples` are ids of some of them."""

    count: int
    what: str
    examples: tuple[str, ...]

    def __str__(self) -> str:
        cases = "1 case" if self.count == 1 else f"{self.count} cases"
        more = ", …" if self.count > len(self.examples) else ""
        return f"{cases} would have {self.what} ({', '.join(self.examples)}{more})."


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a version would have changed.

    `cases` were looked at; the plan took `taken_before` of them and would have taken
    `taken_after`. `acts` are what was done through each channel on those cases, before and after.
    """

    days: int
    cases: int
    taken_before: int
    taken_after: int
    unchanged: int
    acts: Mapping[Channel, tuple[int, int]]
    findings: tuple[Finding, ...]


def replay(
    cases: Iterable[PastCase],
    *,
    plan: str,
    before: Campaigns,
    after: Campaigns,
    last_chance: timedelta,
    days: int,
) -> DryRun:
    """How the cases that `plan` took, or would have taken, would have gone otherwise.

    `last_chance` is how long a campaign waits after its last step before it ends.
    """
    found: dict[str, list[str]] = defaultdict(list)
    counts: Counter[str] = Counter()
    acts: Counter[tuple[Channel, bool]] = Counter()
    for case in cases:
        counts["cases"] += 1
        was, becomes = before.take(case.facts).contender, after.take(case.facts).contender
        counts["before"] += was.key == plan
        counts["after"] += becomes.key == plan
        if plan not in {was.key, becomes.key}:
            continue
        old = course(was.facts, case, last_chance=last_chance)
        new = course(becomes.facts, case, last_chance=last_chance)
        acts += Counter((act.channel, False) for act in old.acts)
        acts += Counter((act.channel, True) for act in new.acts)
        changes = [*_moved_over(was, becomes, plan), *differences(old, new)]
        counts["unchanged"] += not changes
        for change in changes:
            found[change].append(case.public_id)
    return DryRun(
        days=days,
        cases=counts["cases"],
        taken_before=counts["before"],
        taken_after=counts["after"],
        unchanged=counts["unchanged"],
        acts={channel: (acts[channel, False], acts[channel, True]) for channel in Channel},
        findings=_findings(found),
    )


def _findings(found: Mapping[str, Sequence[str]]) -> tuple[Finding, ...]:
    findings = (Finding(len(ids), what, tuple(ids[:MOST_EXAMPLES])) for what, ids in found.items())
    return tuple(sorted(findings, key=lambda finding: (-finding.count, finding.what)))


# --- what a campaign does on a case -----------------------------------------------------------


def course(campaign: CampaignFacts, case: PastCase, *, last_chance: timedelta) -> Course:
    """Each step at its time until the case ended, those whose conditions it doesn't meet left
    out."""
    acts: list[Act] = []
    taken: Planned | None = None
    while planned := next_step(campaign.steps, case, taken):
        if planned.at >= case.ended_at:
            return Course(tuple(acts))
        step = campaign.steps[planned.position - 1]
        if meets(parse(step.conditions), case.facts).is_met:
            acts.append(Act(step.channel, planned.at))
        taken = planned
    is_over = taken and taken.at + last_chance < case.ended_at
    return Course(tuple(acts), campaign.end_action if is_over else None)


def next_step(steps: Sequence[StepFacts], case: PastCase, taken: Planned | None) -> Planned | None:
    """The step after the one that was `taken`, and when; None when there is none."""
    return schedule.plan_next(
        [
            schedule.Step(position, step.delay, step.channel, step.delay_from)
            for position, step in enumerate(steps, start=1)
        ],
        failed_at=case.failed_at,
        stepped_at=taken.at if taken else None,
        now=taken.at if taken else case.started_at,
        where=case.where,
        after=taken.position if taken else 0,
    )


# --- what is different ------------------------------------------------------------------------


def _moved_over(was: Contender[str], becomes: Contender[str], plan: str) -> Iterator[str]:
    if was.key == becomes.key:
        return
    if becomes.key == plan:
        yield f"come to this campaign from {was.facts.name}"
    else:
        yield f"gone from this campaign to {becomes.facts.name}"


def differences(old: Course, new: Course) -> Iterator[str]:
    """In words that follow "would have"."""
    for channel in Channel:
        before, after = old.through(channel), new.through(channel)
        yield from _in_number(channel, len(before), len(after))
        for number, (was, becomes) in enumerate(zip(before, after, strict=False)):
            if shift := in_time(becomes.at - was.at):
                yield f"got the {_ordinal(number)} {CALLED[channel][0]} {shift}"
    was_end, new_end = ENDED.get(old.end, ""), ENDED.get(new.end, "")
    if was_end != new_end:
        yield new_end or f"not {was_end}"


def _in_number(channel: Channel, before: int, after: int) -> Iterator[str]:
    one, many = CALLED[channel]
    if before and not after:
        yield f"got no {one}"
    elif before != after:
        count = abs(after - before)
        yield f"got {count} {one if count == 1 else many} {'more' if after > before else 'fewer'}"


def _ordinal(number: int) -> str:
    return ORDINALS[number] if number < len(ORDINALS) else f"{number + 1}th"


def in_time(shift: timedelta) -> str:
    """`2 days earlier`; "" for less than an hour. Within an hour of whole days, as clocks change
    twice a year, and from two days on it is days that count."""
    length = abs(shift)
    if length < HOUR:
        return ""
    days = round(length / DAY)
    if days and (length >= 2 * DAY or abs(length - days * DAY) <= HOUR):
        count, unit = days, "day"
    else:
        count, unit = round(length / HOUR), "hour"
    plural = "" if count == 1 else "s"
    return f"{count} {unit}{plural} {'later' if shift > timedelta(0) else 'earlier'}"
