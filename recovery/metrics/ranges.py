"""Ranges of days as the merchant has them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from recovery.days import days_between, start_of


@dataclass(frozen=True, slots=True)
class Range:
    """From the first day to the last, both included, in `zone`; an open end has no last day."""

    first: date
    last: date | None
    zone: ZoneInfo

    @classmethod
    def month_to_date(cls, zone: ZoneInfo, *, now: datetime) -> "Range":
        """Without an end: nothing that has happened is left out, whatever clock told it."""
        return cls(now.astimezone(zone).date().replace(day=1), None, zone)

    @property
    def begins_at(self) -> datetime:
        return start_of(self.first, self.zone)

    @property
    def ends_at(self) -> datetime | None:
        """The first moment after it."""
        return start_of(self.last + timedelta(days=1), self.zone) if self.last else None

    @property
    def days(self) -> list[date]:
        return list(days_between(self.first, self.last)) if self.last else []

    @property
    def is_within_a_month(self) -> bool:
        """It begins with a month and doesn't leave it, so a month's price is its price."""
        last = self.last or self.first
        return self.first.day == 1 and (last.year, last.month) == (
            self.first.year,
            self.first.month,
        )
