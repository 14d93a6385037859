"""How far the cases opened in a range got: from the failure to the customer to the money."""

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.db.models import Q

from recovery.metrics.counted import Counted
from recovery.metrics.definitions import OWED_FOR_REAL, What, When
from recovery.metrics.ranges import Range
from recovery.state_machine import Status

STAGES: Mapping[str, str] = MappingProxyType(
    {
        "failed": "Cases opened in the range, voided ones left out.",
        "reached": "Of those: a mail went to the customer.",
        "opened": "Of those that failed: the link in a mail was opened.",
        "updated": "Of those that failed: the customer came back from Stripe's page for cards.",
        "recovered": "Of those that failed: the money came, by whatever means and day.",
    }
)
# Each stage counts for itself, since money may come by Stripe's own retry, to whom nobody wrote.
ADDED_UP: Mapping[str, What] = MappingProxyType(
    {
        "failed": What.CASES,
        "reached": What.REACHED,
        "opened": What.OPENED,
        "updated": What.UPDATED,
        "recovered": What.CASES,
    }
)
Stages = dict[str, int]


def stages(
    counted: Counted, range_: Range, *, by: tuple[str, ...]
) -> dict[tuple[Any, ...], Stages]:
    """How many cases got to each stage, for each group of `by` that has any; one query."""
    owed, recovered = Q(status__in=sorted(OWED_FOR_REAL)), Q(status=Status.RECOVERED)
    sums = {
        f"number_{stage}": counted.sum(what, of=recovered if stage == "recovered" else owed)
        for stage, what in ADDED_UP.items()
    }
    rows = counted.placed(When.OPENED, range_).order_by().values(*by).annotate(**sums)
    return {
        tuple(row[name] for name in by): {
            stage: int(row[f"number_{stage}"] or 0) for stage in STAGES
        }
        for row in rows.filter(number_failed__gt=0)
    }


def folded(groups: Mapping[tuple[Any, ...], Stages], position: int | None) -> dict[Any, Stages]:
    """The same by one of the dimensions alone, or (None) all in one."""
    found: dict[Any, Stages] = defaultdict(lambda: dict.fromkeys(STAGES, 0))
    for key, counts in groups.items():
        mine = found[None if position is None else key[position]]
        for stage, count in counts.items():
            mine[stage] += count
    return dict(found)
