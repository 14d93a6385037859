"""What the figures are added up from: a merchant's cases or, where it is kept, their tally."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.db import models
from django.db.models import F, Q, QuerySet, Sum
from django.db.models.expressions import Combinable
from django.db.models.functions import Greatest, Least, TruncDate

from recovery.metrics import tallying
from recovery.metrics.definitions import Total, What, When
from recovery.metrics.ranges import Range
from recovery.models import Merchant, RecoveryCase, Tally
from recovery.state_machine import Status


def _where(condition: Q, *, then: Combinable) -> models.Case:
    return models.Case(
        models.When(condition, then=then),
        default=models.Value(0),
        output_field=models.BigIntegerField(),
    )


ONE = models.Value(1)
# What each adds to a sum, case by case; a tally has that of many under the same name. What stayed
# of the money is never below nothing: a refund may be heard of before the payment.
MEASURES: Mapping[What, Combinable] = MappingProxyType(
    {
        What.CASES: ONE,
        What.OWED: F("amount"),
        What.KEPT: Greatest(
            F("amount_recovered") - F("amount_refunded"), 0, output_field=models.BigIntegerField()
        ),
        What.REFUNDED: Least("amount_refunded", "amount_recovered"),
        What.CAME: F("amount_recovered"),
        What.UNPAID: _where(Q(amount_recovered=0), then=F("amount")),
        What.REACHED: _where(Q(is_reached=True), then=ONE),
        What.OPENED: _where(Q(has_opened=True), then=ONE),
        What.UPDATED: _where(Q(has_updated=True), then=ONE),
    }
)


def kept(case: RecoveryCase) -> int:
    """What.KEPT of a case that is at hand, in minor units; nothing of a voided one, which is in
    no figure."""
    if case.status == Status.VOIDED:
        return 0
    return max(case.amount_recovered - case.amount_refunded, 0)


@dataclass(frozen=True, slots=True)
class Counted:
    """The merchant's cases that figures are of, in one currency or all: those of the mode that is
    connected, or was last; of both, where none ever was."""

    merchant: Merchant
    currency: str | None = None
    by_cases: bool = False  # by them, though a tally be kept

    @property
    def cases(self) -> QuerySet[RecoveryCase]:
        return RecoveryCase.objects.of(self.merchant).filter(self._which)

    @property
    def is_tallied(self) -> bool:
        return not self.by_cases and tallying.is_kept(self.merchant)

    def placed(self, when: When, range_: Range | None = None) -> QuerySet[Any]:
        """Rows to be added up, of the cases that have such a time; in the range or whenever, and
        with the `day` that each is in."""
        return within(self._rows(when), "at" if self.is_tallied else when, range_)

    def total(self, total: Total) -> Sum:
        """Of the rows that are `placed` by its time."""
        return self.sum(total.what, of=Q(status__in=sorted(total.statuses)))

    def sum(self, what: What, *, of: Q | None = None) -> Sum:
        """Of `placed` rows."""
        return Sum(F(what) if self.is_tallied else MEASURES[what], filter=of)

    def _rows(self, when: When) -> QuerySet[Any]:
        if self.is_tallied:
            return Tally.objects.of(self.merchant).filter(self._which, placed_by=when)
        return self.cases.exclude(stripe_subscription_id="") if when is When.FAILED else self.cases

    @property
    def _which(self) -> Q:
        mode = self.merchant.stripe.livemode
        which = Q() if mode is None else Q(livemode=mode)
        return which & Q(currency=self.currency) if self.currency else which


def within(rows: QuerySet[Any], time: str, range_: Range | None) -> QuerySet[Any]:
    """Those whose `time` lies in the range, with the `day` that it is there; None: all."""
    if range_ is None:
        return rows
    rows = rows.filter(**{f"{time}__gte": range_.begins_at})
    if range_.last:
        rows = rows.filter(**{f"{time}__lt": range_.ends_at})
    placed: QuerySet[Any] = rows.annotate(day=TruncDate(time, tzinfo=range_.zone))
    return placed
