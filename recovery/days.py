"""Days as a place has them: when they begin, which one a moment is in."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# What is asked about lies within, so that a zone's offset never leaves the calendar.
FIRST, LAST = date(1970, 1, 2), date(9999, 12, 30)


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """When the day begins there, in UTC: at 00:00, the first one where clocks are turned back to
    it, and where they are turned on at midnight the moment when they are."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def days_between(first: date, last: date) -> Iterator[date]:
    """Every day from the first to the last, both included."""
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)
