"""The figures, computed as they are defined: in a number of queries that no row changes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from types import MappingProxyType
from typing import Any

from django.db.models import (
    BigIntegerField,
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    Q,
    QuerySet,
    Sum,
    Window,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Greatest, Least, RowNumber, TruncDate

from recovery.metrics.definitions import SHARES, TOTALS, Total, What, When
from recovery.metrics.ranges import Range
from recovery.models import Merchant, RecoveryCase
from recovery.state_machine import Status

# By what figures may be grouped; the day is that of the time which places a case in the range.
DIMENSIONS = ("day", "decline_type", "decline_code", "mechanism", "currency")
# What stayed of the money that came back: a refund may be heard of before the payment.
KEPT = Greatest(F("amount_recovered") - F("amount_refunded"), 0, output_field=BigIntegerField())
MEASURES: Mapping[What, Combinable] = MappingProxyType(
    {
        What.OWED: F("amount"),
        What.KEPT: KEPT,
        What.REFUNDED: Least("amount_refunded", "amount_recovered"),
    }
)
DAY = timedelta(days=1)
Key = tuple[Any, ...]  # the values of the dimensions that were asked for, in their order


def kept(case: RecoveryCase) -> int:
    """KEPT of a case that is at hand, in minor units."""
    return max(case.amount_recovered - case.amount_refunded, 0)


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


def counted_cases(merchant: Merchant) -> QuerySet[RecoveryCase]:
    """The merchant's cases, without the test-mode ones of a live merchant."""
    found = RecoveryCase.objects.of(merchant)
    return found.filter(livemode=True) if merchant.stripe.livemode else found


def within(cases: QuerySet[RecoveryCase], time: str, range_: Range) -> QuerySet[RecoveryCase]:
    """Those whose `time` lies in the range."""
    found = cases.filter(**{f"{time}__gte": range_.begins_at})
    return found.filter(**{f"{time}__lt": range_.ends_at}) if range_.last else found


def totals(
    cases: QuerySet[RecoveryCase], range_: Range, *, by: Sequence[str] = ()
) -> dict[Key, Figures]:
    """Every total of the definitions, for each group of `by` (some of DIMENSIONS) that has any;
    two queries."""
    found: dict[Key, Figures] = defaultdict(Figures)
    for when in When:
        named = {name: total for name, total in TOTALS.items() if total.when is when}
        placed = within(cases, when, range_).annotate(day=TruncDate(when, tzinfo=range_.zone))
        groups = placed.order_by().values(*dict.fromkeys((*by, "currency")))
        for row in groups.annotate(**{name: _sum(total) for name, total in named.items()}):
            figures = found[tuple(row[name] for name in by)]
            mine = figures.totals[row["currency"]]
            for name in named:
                mine[name] = mine.get(name, 0) + int(row[name] or 0)
    return dict(found)


def _sum(total: Total) -> Count | Sum:
    chosen = Q(status__in=sorted(total.statuses))
    if total.what is What.CASES:
        return Count("id", filter=chosen)
    return Sum(MEASURES[total.what], filter=chosen)


def together(groups: Iterable[Figures]) -> Figures:
    whole = Figures()
    for figures in groups:
        whole.add(figures)
    return whole


def median_days(
    cases: QuerySet[RecoveryCase], range_: Range, *, by: Sequence[str] = ()
) -> dict[Key, Decimal]:
    """The median time from failure to money, in days to one decimal, of each group that has one;
    one query, which reads one or two rows of each group."""
    recovered = within(cases.filter(status=Status.RECOVERED), When.CLOSED, range_)
    took = ExpressionWrapper(F("closed_at") - F("failed_at"), output_field=DurationField())
    placed = recovered.annotate(day=TruncDate("closed_at", tzinfo=range_.zone), took=took)
    group = [F(name) for name in by] or None
    ranked = placed.annotate(
        rank=Window(RowNumber(), partition_by=group, order_by=["took", "id"]),
        size=Window(Count("id"), partition_by=group),
    )
    middle = ranked.filter(rank__gte=F("size") / 2.0, rank__lte=F("size") / 2.0 + 1)
    found: dict[Key, list[timedelta]] = defaultdict(list)
    for row in middle.order_by().values(*by, "took"):
        found[tuple(row[name] for name in by)].append(max(row["took"], timedelta()))
    return {key: _days(sum(two, timedelta()) / len(two)) for key, two in found.items()}


def _days(duration: timedelta) -> Decimal:
    days = Decimal(duration // timedelta(microseconds=1)) / (DAY // timedelta(microseconds=1))
    return days.quantize(Decimal("0.1"), rounding=ROUND_HALF_EVEN)
