"""How far the cases opened in a range got: from the failure to the customer to the money."""

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from recovery.metrics.definitions import OWED_FOR_REAL, When
from recovery.metrics.figures import within
from recovery.metrics.ranges import Range
from recovery.models import RecoveryCase, TimelineEntry
from recovery.state_machine import Status
from recovery.timeline import Kind

# What the timeline of a case tells once it got there; each stage counts for itself, since money
# may come by Stripe's own retry, to whom nobody wrote.
TOLD_BY: Mapping[str, Kind] = MappingProxyType(
    {
        "reached": Kind.MESSAGE_SENT,
        "opened": Kind.LINK_OPENED,
        "updated": Kind.UPDATE_FINISHED,
    }
)
STAGES: Mapping[str, str] = MappingProxyType(
    {
        "failed": "Cases opened in the range, voided ones left out.",
        "reached": "Of those: a mail went to the customer.",
        "opened": "Of those that failed: the link in a mail was opened.",
        "updated": "Of those that failed: the customer came back from Stripe's page for cards.",
        "recovered": "Of those that failed: the money came, by whatever means and day.",
    }
)
Stages = dict[str, int]


def stages(
    cases: QuerySet[RecoveryCase], range_: Range, *, by: tuple[str, ...]
) -> dict[tuple[Any, ...], Stages]:
    """How many cases got to each stage, for each group of `by`; one query."""
    owed = within(cases.filter(status__in=sorted(OWED_FOR_REAL)), When.OPENED, range_)
    got = {
        stage: Exists(TimelineEntry.objects.filter(case=OuterRef("pk"), kind=kind))
        for stage, kind in TOLD_BY.items()
    }
    rows = owed.annotate(**got).order_by().values(*by).annotate(
        failed=Count("id"),
        recovered=Count("id", filter=Q(status=Status.RECOVERED)),
        **{f"{stage}_count": Count("id", filter=Q(**{stage: True})) for stage in got},
    )  # fmt: skip
    return {
        tuple(row[name] for name in by): {
            "failed": row["failed"],
            **{stage: row[f"{stage}_count"] for stage in got},
            "recovered": row["recovered"],
        }
        for row in rows
    }


def folded(groups: Mapping[tuple[Any, ...], Stages], position: int | None) -> dict[Any, Stages]:
    """The same by one of the dimensions alone, or (None) all in one."""
    found: dict[Any, Stages] = defaultdict(lambda: dict.fromkeys(STAGES, 0))
    for key, counted in groups.items():
        mine = found[None if position is None else key[position]]
        for stage, count in counted.items():
            mine[stage] += count
    return dict(found)
