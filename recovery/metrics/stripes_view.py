"""The same payments as Stripe's recovery analytics counts them (stripes_definitions.py)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet, Sum

from recovery.metrics.figures import share, within
from recovery.metrics.ranges import Range
from recovery.models import RecoveryCase
from recovery.state_machine import Status

CAME = Q(amount_recovered__gt=0)  # whatever went back later
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


def by_currency(cases: QuerySet[RecoveryCase], range_: Range) -> dict[str, StripesView]:
    """Of the subscriptions' payments that first failed in the range; one query."""
    failed = within(cases.exclude(stripe_subscription_id=""), "failed_at", range_)
    rows: Iterable[Mapping[str, Any]] = failed.order_by().values("currency").annotate(
        failed_payments=Sum("amount"),
        recovered_payments=Sum("amount_recovered"),
        not_recovered=Sum("amount", filter=~OPEN & ~CAME),
        still_open=Sum("amount", filter=OPEN),
    )  # fmt: skip
    return {
        row["currency"]: StripesView(
            *(int(row[figure.name] or 0) for figure in fields(StripesView))
        )
        for row in rows
    }
