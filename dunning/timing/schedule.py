"""When the next step of a campaign is taken, from facts alone."""

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from dunning.timing.local_time import later, on_day
from dunning.timing.paydays import rule_of
from dunning.timing.windows import WHOLE_DAY, Window

__all__ = [
    "WHOLE_DAY",
    "Channel",
    "DelayFrom",
    "Move",
    "Planned",
    "Step",
    "Where",
    "Window",
    "into_window",
    "plan_next",
]


class Channel(enum.StrEnum):
    """As in dunning/models/campaigns.py."""

    EMAIL = "email"
    RETRY = "retry"
    WEBHOOK = "webhook"
    TASK = "task"


class DelayFrom(enum.StrEnum):
    FAILURE = "failure"
    PREVIOUS = "previous"


# Customers and their banks have nights; the merchant's own systems and people set their own.
HELD_BY_WINDOW = frozenset({Channel.EMAIL, Channel.RETRY})
# What waits for payday, and for how many days at most: a charge that finds no money costs an
# attempt, a mail that comes late costs less than one that comes too late.
DAYS_TO_PAYDAY: Mapping[Channel, int] = MappingProxyType({Channel.RETRY: 7, Channel.EMAIL: 3})
WAITS_FOR_PAYDAY = "insufficient_funds"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a campaign: its place, and its delay after the failure or the step before."""

    position: int
    delay: timedelta
    channel: Channel
    delay_from: DelayFrom = DelayFrom.FAILURE


@dataclass(frozen=True, slots=True)
class Where:
    """What is so where the customer is: the zone, ISO country ("" if unknown), when the merchant
    writes; and why the payment failed."""

    zone: ZoneInfo
    country: str
    window: Window
    decline_code: str


@dataclass(frozen=True, slots=True)
class Move:
    """One shift of a step's time, by which rule, and where that is written."""

    rule: str
    source: str
    was: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Planned:
    """The next step and its time.

    `wanted_at` is what its delay says. `at` is later by the moves; or because the step is late,
    which is no move. `collapsed` are the positions before it that are never taken: each would
    have gone out together with a later step of its channel.
    """

    position: int
    at: datetime
    wanted_at: datetime
    moves: tuple[Move, ...]
    collapsed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Timed:
    """A step and when it is taken."""

    step: Step
    wanted_at: datetime
    at: datetime
    moves: tuple[Move, ...]

    def goes_out_with(self, other: "_Timed") -> bool:
        """Whether its time has come, on the same channel, when the other is taken."""
        return self.step.channel == other.step.channel and self.wanted_at <= other.at


def plan_next(
    steps: Sequence[Step],
    *,
    failed_at: datetime,
    stepped_at: datetime | None,
    now: datetime,
    where: Where,
    after: int = 0,
) -> Planned | None:
    """The next step after position `after`, None when there is none.

    `steps` are all of the campaign's. `stepped_at` is when the last step was taken, None before
    the first. Steps whose time has come when another of their channel is taken collapse into the
    last of them (a case imported late, a worker that was down, a weekend): nobody gets three
    mails at once. The answer stays the same for any `now` up to its `at`.
    """
    failed_at, now = failed_at.astimezone(UTC), now.astimezone(UTC)
    taken_at = stepped_at.astimezone(UTC) if stepped_at else failed_at
    left = [step for step in _ordered(steps) if step.position > after]
    first_email = next((step for step in _ordered(steps) if step.channel == Channel.EMAIL), None)
    timed = list(_in_time(left, failed_at, taken_at, where, first_email))
    left_out: list[int] = []
    for number, in_time in enumerate(timed, start=1):
        one = in_time if in_time.at >= now else _late(in_time, now, where)
        if any(other.goes_out_with(one) for other in timed[number:]):
            left_out.append(one.step.position)
        else:
            return Planned(
                one.step.position, one.at, one.wanted_at, one.moves, collapsed=tuple(left_out)
            )
    return None


def _ordered(steps: Sequence[Step]) -> list[Step]:
    return sorted(steps, key=lambda step: step.position)


def _in_time(
    left: Sequence[Step],
    failed_at: datetime,
    taken_at: datetime,
    where: Where,
    first_email: Step | None,
) -> Iterator[_Timed]:
    """Each step as it is taken if every step before it is taken in time."""
    for step in left:
        since = taken_at if step.delay_from == DelayFrom.PREVIOUS else failed_at
        wanted_at = later(since, step.delay, where.zone)
        moves = [] if step is first_email else _to_payday(wanted_at, step, where)
        if moves and _holds_back(step, first_email, failed_at, moves[-1].at, where):
            moves = []
        moves += _into_window(moves[-1].at if moves else wanted_at, step, where)
        at = moves[-1].at if moves else wanted_at
        yield _Timed(step, wanted_at, at, tuple(moves))
        taken_at = max(taken_at, at)


def _holds_back(
    step: Step, first_email: Step | None, failed_at: datetime, at: datetime, where: Where
) -> bool:
    """Whether waiting for payday would hold back the first mail, which comes after the step."""
    if first_email is None or first_email.position < step.position:
        return False
    return at > later(failed_at, first_email.delay, where.zone)


def _late(one: _Timed, now: datetime, where: Where) -> _Timed:
    """Its payday is past too, so it goes now, or when the window opens next."""
    moves = _into_window(now, one.step, where)
    return replace(one, at=moves[-1].at if moves else now, moves=tuple(moves))


def _to_payday(wanted_at: datetime, step: Step, where: Where) -> list[Move]:
    limit, rule = DAYS_TO_PAYDAY.get(step.channel), rule_of(where.country)
    if limit is None or rule is None or where.decline_code != WAITS_FOR_PAYDAY:
        return []
    day = wanted_at.astimezone(where.zone).date()
    payday = rule.next_on(day)
    if payday == day or payday - day > timedelta(days=limit):
        return []
    words = (
        f"{where.decline_code}: the next payday in {rule.country} ({rule.words}), "
        f"at most {limit} days later"
    )
    return [Move(words, rule.source, wanted_at, on_day(wanted_at, payday, where.zone))]


def _into_window(moment: datetime, step: Step, where: Where) -> list[Move]:
    return into_window(moment, where) if step.channel in HELD_BY_WINDOW else []


def into_window(moment: datetime, where: Where) -> list[Move]:
    """The move to when the merchant's window opens next, none where it is open."""
    at = where.window.next_open(moment, where.zone)
    if at == moment:
        return []
    return [Move(f"{where.window} in {where.zone.key}", "the merchant's send window", moment, at)]
