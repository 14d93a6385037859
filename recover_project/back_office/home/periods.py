"""The periods that the first page shows, each against as many days of the one before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from recovery.metrics import Range

MONTH, LAST_MONTH, QUARTER = "month", "last-month", "90-days"


@dataclass(frozen=True, slots=True)
class Period:
    """`now` is shown against `before`; both end with a day that is over or is today."""

    name: str
    label: str
    now: Range
    before: Range

    @property
    def against(self) -> str:
        """1 to 26 October 2026, as people write it."""
        first, last = self.before.first, self.before.last or self.before.first
        same_month = (first.year, first.month) == (last.year, last.month)
        begun = f"{first.day}" if same_month else f"{first.day} {first:%B}"
        return f"{begun} to {last.day} {last:%B %Y}"


def _this_month(today: date, zone: ZoneInfo) -> Period:
    first = today.replace(day=1)
    last_before = first - timedelta(days=1)
    same_day = last_before.replace(day=min(today.day, last_before.day))
    return Period(
        MONTH,
        "This month",
        Range(first, today, zone),
        Range(same_day.replace(day=1), same_day, zone),
    )


def _last_month(today: date, zone: ZoneInfo) -> Period:
    last = today.replace(day=1) - timedelta(days=1)
    before = last.replace(day=1) - timedelta(days=1)
    return Period(
        LAST_MONTH, "Last month", Range(last.replace(day=1), last, zone),
        Range(before.replace(day=1), before, zone),
    )  # fmt: skip


def _ninety_days(today: date, zone: ZoneInfo) -> Period:
    first = today - timedelta(days=89)
    return Period(
        QUARTER, "90 days", Range(first, today, zone),
        Range(first - timedelta(days=90), first - timedelta(days=1), zone),
    )  # fmt: skip


PERIODS: Mapping[str, tuple[str, Callable[[date, ZoneInfo], Period]]] = MappingProxyType(
    {
        MONTH: ("This month", _this_month),
        LAST_MONTH: ("Last month", _last_month),
        QUARTER: ("90 days", _ninety_days),
    }
)


def period(name: str, *, today: date, zone: ZoneInfo) -> Period:
    """This month, for a name that is none."""
    _label, make = PERIODS.get(name, PERIODS[MONTH])
    return make(today, zone)
