"""The hours and weekdays at which customers are written to and charged."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from dunning.timing.local_time import clock_changes, hours_shown

HOURS = 24
EVERY_DAY = frozenset(range(1, 8))
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class NeverOpenError(ValueError):
    """The window has no hour or no day of the week, so nothing could ever be sent."""


@dataclass(frozen=True, slots=True)
class Window:
    """Open from `from_hour` until `until_hour` (at most 24) on these days, ISO: 1 = Monday.

    Raises NeverOpenError where that is never.
    """

    from_hour: int
    until_hour: int
    weekdays: frozenset[int]

    def __post_init__(self) -> None:
        if not 0 <= self.from_hour < self.until_hour <= HOURS:
            raise NeverOpenError(f"from {self.from_hour} until {self.until_hour} has no hour")
        if not self.weekdays or not self.weekdays <= EVERY_DAY:
            raise NeverOpenError(f"{sorted(self.weekdays)} are no days of the week")

    def __str__(self) -> str:
        days = ", ".join(WEEKDAYS[day - 1] for day in sorted(self.weekdays))
        return f"{self.from_hour}:00 to {self.until_hour}:00 on {days}"

    def is_open(self, moment: datetime, zone: ZoneInfo) -> bool:
        local = moment.astimezone(zone)
        return (
            local.isoweekday() in self.weekdays and self.from_hour <= local.hour < self.until_hour
        )

    def next_open(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """`moment` itself where the window is open, else the first moment after it that is."""
        if self.is_open(moment, zone):
            return moment
        today = moment.astimezone(zone).date()
        days = (today + timedelta(days=ahead) for ahead in count())
        openings = (at for day in days for at in sorted(self._may_open(day, zone)))
        return next(at for at in openings if at > moment and self.is_open(at, zone))

    def _may_open(self, day: date, zone: ZoneInfo) -> Iterator[datetime]:
        """At its hour; or when the clocks change, over that hour or back into the window."""
        if day.isoweekday() in self.weekdays:
            yield from hours_shown(day, self.from_hour, zone)
            yield from clock_changes(day, zone)


WHOLE_DAY = Window(from_hour=0, until_hour=HOURS, weekdays=EVERY_DAY)
