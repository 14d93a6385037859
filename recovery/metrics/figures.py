"""The figures, computed as they are defined: in a number of queries that no row changes."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from django.db import connection
from django.db.models import (
    Aggregate,
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    Q,
    QuerySet,
    Value,
    Window,
)
from django.db.models.functions import Greatest, RowNumber

from recovery.days import start_of
from recovery.metrics.counted import Counted, within
from recovery.metrics.definitions import SHARES, TOTALS, What, When
from recovery.metrics.ranges import Range
from recovery.models import RecoveryCase
from recovery.state_machine import Status

# By what figures may be grouped; the day is that of the time which places a case in the range.
DIMENSIONS = ("day", "decline_type", "decline_code", "mechanism", "currency")
DAY = timedelta(days=1)
Key = tuple[Any, ...]  # the values of the dimensions that were asked for, in their order


@dataclass(slots=True)
class Figures:
    """The totals, by currency and name; money in minor units."""

    totals: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))

    def count(self, name: str) -> int:
        """Over all currencies: cases can be added up, money can't."""
        return sum(totals.get(name, 0) for totals in self.totals.values())

    def money(self, name: str, currency: str) -> int:
        return self.totals[currency].get(name, 0) if currency in self.totals else 0

    def rate(self, name: str) -> Decimal | None:
        """A share of cases."""
        figure = SHARES[name]
        return share(self.count(figure.part), sum(map(self.count, figure.whole)))

    def rate_of_money(self, name: str, currency: str) -> Decimal | None:
        figure = SHARES[name]
        whole = sum(self.money(part, currency) for part in figure.whole)
        return share(self.money(figure.part, currency), whole)

    def add(self, other: "Figures") -> None:
        for currency, totals in other.totals.items():
            for name, value in totals.items():
                mine = self.totals[currency]
                mine[name] = mine.get(name, 0) + value


def share(part: int, whole: int) -> Decimal | None:
    """To two decimals, rounded half-even; None of nothing."""
    if not whole:
        return None
    return (Decimal(part) / whole).quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)


def totals(counted: Counted, range_: Range, *, by: Sequence[str] = ()) -> dict[Key, Figures]:
    """Every total of the definitions, for each group of `by` (some of DIMENSIONS) that has any;
    two queries."""
    found: dict[Key, Figures] = defaultdict(Figures)
    for when in (When.OPENED, When.CLOSED):
        named = {name: total for name, total in TOTALS.items() if total.when is when}
        sums = {f"sum_{name}": counted.total(total) for name, total in named.items()}
        groups = counted.placed(when, range_).order_by().values(*dict.fromkeys((*by, "currency")))
        for row in groups.annotate(number=counted.sum(What.CASES), **sums).filter(number__gt=0):
            figures = found[tuple(row[name] for name in by)]
            mine = figures.totals[row["currency"]]
            for name in named:
                mine[name] = mine.get(name, 0) + int(row[f"sum_{name}"] or 0)
    return dict(found)


def groups_up_to(most: int, counted: Counted, range_: Range, *, by: Sequence[str]) -> int:
    """How many groups there are at least, counted no further than one more than `most`; two
    queries."""
    found = 0
    for when in (When.OPENED, When.CLOSED):
        groups = counted.placed(when, range_).order_by().values(*by)
        any_ = groups.annotate(number=counted.sum(What.CASES)).filter(number__gt=0)
        found = max(found, any_[: most + 1].count())
    return found


def owed_now(counted: Counted) -> dict[str, int]:
    """On the open cases, whenever they failed; in minor units, by currency. Those of another
    Stripe account than is connected now rest and are left out; one query, or two.

    A tally knows days: of that on which the account changed, the cases are read.
    """
    merchant = counted.merchant
    since = merchant.stripe.account_since
    if since is None:
        return _owed(counted, Q())
    if not counted.is_tallied:
        return _owed(counted, Q(opened_at__gte=since))
    next_day = start_of(since.astimezone(merchant.zone).date() + DAY, merchant.zone)
    that_day = Q(opened_at__gte=since, opened_at__lt=next_day)
    of_that_day = _owed(replace(counted, by_cases=True), that_day)
    return dict(Counter(of_that_day) + Counter(_owed(counted, Q(at__gte=next_day))))


def _owed(counted: Counted, which: Q) -> dict[str, int]:
    of_open = counted.placed(When.OPENED).filter(which, status=Status.OPEN).order_by()
    rows = of_open.values("currency").annotate(sum_owed=counted.sum(What.OWED))
    return {row["currency"]: int(row["sum_owed"]) for row in rows if row["sum_owed"]}


def together(groups: Iterable[Figures]) -> Figures:
    whole = Figures()
    for figures in groups:
        whole.add(figures)
    return whole


def median_days(counted: Counted, range_: Range, *, by: Sequence[str] = ()) -> dict[Key, Decimal]:
    """The median time from failure to money, in days to one decimal, of each group that has one;
    one query."""
    recovered = within(counted.cases.filter(status=Status.RECOVERED), When.CLOSED, range_)
    took = ExpressionWrapper(F("closed_at") - F("failed_at"), output_field=DurationField())
    timed = recovered.order_by().annotate(took=took)
    medians = _ordered(timed, by) if connection.vendor == "postgresql" else _ranked(timed, by)
    return {key: _days(median) for key, median in medians.items()}


class _Median(Aggregate):
    """Between the two in the middle it is their mean. PostgreSQL's own
    (postgresql.org/docs/current/functions-aggregate.html, percentile_cont)."""

    template = "percentile_cont(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()


def _ordered(timed: QuerySet[RecoveryCase], by: Sequence[str]) -> dict[Key, timedelta]:
    median_ = _Median(Greatest("took", Value(timedelta())))
    if not by:
        median = timed.aggregate(median=median_)["median"]
        return {} if median is None else {(): median}
    rows = timed.values(*by).annotate(median=median_)
    return {tuple(row[name] for name in by): row["median"] for row in rows}


def _ranked(timed: QuerySet[RecoveryCase], by: Sequence[str]) -> dict[Key, timedelta]:
    """For a database that knows no median: it reads one or two rows of each group."""
    group = [F(name) for name in by] or None
    ranked = timed.annotate(
        rank=Window(RowNumber(), partition_by=group, order_by=["took", "id"]),
        size=Window(Count("id"), partition_by=group),
    )
    middle = ranked.filter(rank__gte=F("size") / 2.0, rank__lte=F("size") / 2.0 + 1)
    found: dict[Key, list[timedelta]] = defaultdict(list)
    for row in middle.values(*by, "took"):
        found[tuple(row[name] for name in by)].append(max(row["took"], timedelta()))
    return {key: sum(two, timedelta()) / len(two) for key, two in found.items()}


def _days(duration: timedelta) -> Decimal:
    days = Decimal(duration // timedelta(microseconds=1)) / (DAY // timedelta(microseconds=1))
    return days.quantize(Decimal("0.1"), rounding=ROUND_HALF_EVEN)
