"""When a merchant is reconciled, and which of Stripe's events that is about."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

EVERY = timedelta(hours=1)
SOONEST = timedelta(minutes=10)  # after a run that somebody asked for
# What is younger may still be on its way: Stripe delivers within seconds as a rule.
GRACE = timedelta(minutes=10)
# A list may show an event later than one that happened after it.
OVERLAP = timedelta(minutes=15)
# So long Stripe keeps events (docs.stripe.com/api/events/list).
KEPT = timedelta(days=30)
# Knuth's multiplicative hash (The Art of Computer Programming, 3, section 6.4): numbers that
# follow each other come to lie far apart.
MULTIPLIER, RANGE = 2654435761, 2**32


def next_at(number: int, *, now: datetime) -> datetime:
    """When the merchant of that number is next due: each has a moment of the hour of its own, so
    that thousands who came together, or were held up together, don't begin together."""
    own = EVERY * (number * MULTIPLIER % RANGE / RANGE)
    due = now.replace(minute=0, second=0, microsecond=0) + own
    while due < now + SOONEST:
        due += EVERY
    return due


@dataclass(frozen=True, slots=True)
class Span:
    """What happened between two moments. `has_gap`: before it lies what Stripe no longer keeps."""

    since: datetime
    until: datetime
    has_gap: bool

    @classmethod
    def of(
        cls, *, covered_until: datetime, reading_until: datetime | None, connected_at: datetime,
        now: datetime,
    ) -> Self:  # fmt: skip
        """From a bit before what is covered, to a while ago; never from before Recover was asked
        to recover anything. A list that was begun is read to its end first."""
        since = max(covered_until - OVERLAP, now - KEPT)
        # Who has connected again meanwhile still has missed what happened before.
        is_of_before = since < connected_at <= covered_until
        return cls(
            since=connected_at if is_of_before else since,
            until=reading_until or now - GRACE,
            has_gap=covered_until < now - KEPT,
        )

    @property
    def is_empty(self) -> bool:
        return self.until <= self.since
