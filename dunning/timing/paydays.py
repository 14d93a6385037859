"""When a country's people are paid: `data/paydays.csv`, each row with its source.

A rule is a list of days of the month ("15", "last"; a day that a month doesn't have is its last
one), or "working" and how many working days into the month. On a weekend people are paid on the
banking day before or after it. Weekends are the country's own, by CLDR; public holidays are not
known.
"""

import csv
from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from babel.core import Locale, UnknownLocaleError

from dunning.timing.time_zones import is_country

TABLE = Path(__file__).parent.parent / "data" / "paydays.csv"
DEFAULT = "*"
LAST = "last"
LONGEST_MONTH = 31
SATURDAY_AND_SUNDAY = frozenset({6, 7})
ONE_DAY = timedelta(days=1)
STEP = MappingProxyType({"before": -ONE_DAY, "after": ONE_DAY})
NEIGHBORS = (-1, 0, 1, 2)  # a weekend may move a payday over the turn of the month


@lru_cache
def weekend_of(country: str) -> frozenset[int]:
    """The days on which banks are closed, 1 = Monday."""
    try:
        locale = Locale.parse(f"und_{country}")
    except UnknownLocaleError:  # CLDR names no language of it: the world's weekend
        return SATURDAY_AND_SUNDAY
    days = range(locale.weekend_start, locale.weekend_end + 1)  # CLDR through Babel: 0 = Monday
    return frozenset(day + 1 for day in days)


@dataclass(frozen=True, slots=True)
class Payday:
    """One country's rule, and where it is written."""

    country: str
    days: tuple[int, ...]  # of the month; none where working days are counted
    working_day: int  # how many working days into the month; 0 where days are given
    off_weekends: timedelta  # which way a payday leaves a weekend
    words: str  # "15 last"
    source: str

    def next_on(self, day: date) -> date:
        """The first payday on or after `day`."""
        months = (_month(day, ahead) for ahead in NEIGHBORS)
        return min(payday for first in months for payday in self.of_month(first) if payday >= day)

    def of_month(self, first: date) -> Iterator[date]:
        """The paydays of the month that begins on `first`; a weekend may move one out of it."""
        weekend = weekend_of(self.country)
        if self.working_day:
            yield _working_day(first, self.working_day, weekend)
        length = monthrange(first.year, first.month)[1]
        for number in self.days:
            day = first.replace(day=min(number, length))
            while day.isoweekday() in weekend:
                day += self.off_weekends
            yield day


def _working_day(first: date, count: int, weekend: frozenset[int]) -> date:
    day = first - ONE_DAY
    while count:
        day += ONE_DAY
        count -= day.isoweekday() not in weekend
    return day


def _payday(row: Mapping[str, str]) -> Payday:
    words = row["rule"].split()
    counted = words[0] == "working"
    days = () if counted else tuple(LONGEST_MONTH if day == LAST else int(day) for day in words)
    return Payday(
        country=row["country"], days=days, working_day=int(words[1]) if counted else 0,
        off_weekends=STEP[row["weekend"] or "before"], words=row["rule"], source=row["source"],
    )  # fmt: skip


def _read() -> Mapping[str, Payday]:
    with TABLE.open(newline="") as lines:
        return MappingProxyType({row["country"]: _payday(row) for row in csv.DictReader(lines)})


PAYDAYS = _read()


def rule_of(country: str) -> Payday | None:
    """The rule of a country (ISO 3166 alpha-2, any case); None where there is no such country."""
    country = country.strip().upper()
    if not is_country(country):
        return None
    return PAYDAYS.get(country) or replace(PAYDAYS[DEFAULT], country=country)


def next_payday(country: str, day: date) -> date | None:
    """The first payday on or after `day`; None where there is no such country."""
    rule = rule_of(country)
    return rule.next_on(day) if rule else None


def _month(day: date, ahead: int) -> date:
    """The first day of the month that is `ahead` months after that of `day`."""
    years, month = divmod(day.month - 1 + ahead, 12)
    return date(day.year + years, month + 1, 1)
