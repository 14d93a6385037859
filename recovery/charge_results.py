"""What became of asking for money."""

import enum
from dataclasses import dataclass, field
from datetime import datetime


class Outcome(enum.StrEnum):
    PAID = "paid"
    ALREADY_PAID = "already_paid"
    DECLINED = "declined"
    NEEDS_AUTHENTICATION = "needs_authentication"
    PENDING = "pending"
    UNAVAILABLE = "unavailable"
    NOT_YET = "not_yet"
    REFUSED = "refused"


# Asked again, the same question has one answer.
UNDECIDED = frozenset({Outcome.UNAVAILABLE, Outcome.PENDING})


@dataclass(frozen=True, slots=True)
class ChargeResult:
    """`rule` says why nothing was charged, `from_at` when it may be. `needs_person`: nobody else
    can go on, and a task says so. `source`: where the rule is written, for people to read.
    `is_about_card`: another card might be charged."""

    outcome: Outcome
    rule: str = ""
    from_at: datetime | None = None
    needs_person: bool = False
    source: str = field(default="", compare=False)
    is_about_card: bool = field(default=False, compare=False)
