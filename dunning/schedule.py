"""When the next step of a campaign is due."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


class Channel(enum.StrEnum):
    """What a step does: write, ask for the money, tell the merchant's systems, or a person."""

    EMAIL = "email"
    RETRY = "retry"
    WEBHOOK = "webhook"
    TASK = "task"


class DelayFrom(enum.StrEnum):
    FAILURE = "failure"
    PREVIOUS = "previous"


@dataclass(frozen=True, slots=True)
class Planned:
    """A step's place and its delay after the failure."""

    position: int
    delay: timedelta


@dataclass(frozen=True, slots=True)
class Due:
    position: int
    at: datetime


def first_due(
    steps: Sequence[Planned], *, failed_at: datetime, not_before: datetime, after: int = 0
) -> Due | None:
    """The next step after position `after`, None when there is none.

    Steps whose time is long past (a case imported late, a worker that was down) collapse into
    the latest of them: nobody gets three mails at once.
    """
    left = [step for step in steps if step.position > after]
    if not left:
        return None
    overdue = [step for step in left if failed_at + step.delay <= not_before]
    step = overdue[-1] if overdue else left[0]
    return Due(step.position, max(failed_at + step.delay, not_before))
