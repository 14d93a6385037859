"""Arithmetic on the clocks of a time zone. Moments go in and come out as aware datetimes.

A time that the clocks skip counts as the moment after the gap, by the offset before it; one that
they show twice is the first of the two (PEP 495, fold=0).
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# Since 1972 every zone's clocks change on a quarter of an hour of UTC (tz database), but for
# St. John's minute past midnight until 2011.
QUARTER = timedelta(minutes=15)
ONE_DAY = timedelta(days=1)


def on_day(moment: datetime, day: date, zone: ZoneInfo) -> datetime:
    """The moment of `day` at which the clocks show what they show at `moment`."""
    shown = moment.astimezone(zone).time().replace(fold=0)
    return datetime.combine(day, shown, zone).astimezone(UTC)


def later(moment: datetime, delay: timedelta, zone: ZoneInfo) -> datetime:
    """`delay` after `moment`: its whole days keep the time on the clock, the rest is absolute."""
    days = timedelta(days=delay.days)
    if not days:
        return moment.astimezone(UTC) + delay
    day = (moment.astimezone(zone) + days).date()
    return on_day(moment, day, zone) + (delay - days)


def hours_shown(day: date, hour: int, zone: ZoneInfo) -> Iterator[datetime]:
    """The moments of `day` at which the clocks strike `hour`: one, or two where they go back."""
    shown = datetime.combine(day, time(hour), zone)
    yield shown.astimezone(UTC)
    yield shown.replace(fold=1).astimezone(UTC)


def clock_changes(day: date, zone: ZoneInfo) -> Iterator[datetime]:
    """The moments of `day`, its end included, at which the clocks are put forward or back."""
    moment, end = _midnight(day, zone), _midnight(day + ONE_DAY, zone)
    if _offset(moment, zone) == _offset(end, zone):
        return
    while moment < end:
        before, moment = moment, moment + QUARTER
        if _offset(before, zone) != _offset(moment, zone):
            yield moment


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()
