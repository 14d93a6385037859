"""The same payments as Stripe's recovery analytics counts them (stripes_definitions.py)."""

from dataclasses import dataclass, fields
from decimal import Decimal

from django.db.models import Q

from recovery.metrics.counted import Counted
from recovery.metrics.definitions import What, When
from recovery.metrics.figures import share
from recovery.metrics.ranges import Range
from recovery.state_machine import Status

OPEN = Q(status=Status.OPEN)


@dataclass(frozen=True, slots=True)
class StripesView:
    """Minor units of one currency."""

    failed_payments: int = 0
    recovered_payments: int = 0
    not_recovered: int = 0
    still_open: int = 0

    @property
    def recovery_rate(self) -> Decimal | None:
        return share(self.recovered_payments, self.failed_payments)


def by_currency(counted: Counted, range_: Range) -> dict[str, StripesView]:
    """Of the subscriptions' payments that first failed in the range; one query."""
    rows = counted.placed(When.FAILED, range_).order_by().values("currency").annotate(
        failed_payments=counted.sum(What.OWED),
        recovered_payments=counted.sum(What.CAME),
        not_recovered=counted.sum(What.UNPAID, of=~OPEN),
        still_open=counted.sum(What.OWED, of=OPEN),
    )  # fmt: skip
    return {
        row["currency"]: StripesView(
            *(int(row[figure.name] or 0) for figure in fields(StripesView))
        )
        for row in rows
        if row["failed_payments"]
    }
