"""How far the cases opened in a range got: from the failure to the customer to the money."""

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from recovery.metrics.counted import Counted
from recovery.metrics.definitions import OWED_FOR_REAL, RECOVERED, Total, What, When
from recovery.metrics.ranges import Range

# Each stage counts for itself, since money may come by Stripe's own retry, to whom nobody wrote.
FUNNEL: Mapping[str, Total] = MappingProxyType(
    {
        "failed": Total(
            When.OPENED, What.CASES, OWED_FOR_REAL,
            "Cases opened in the range, voided ones left out.",
        ),
        "reached": Total(
            When.OPENED, What.REACHED, OWED_FOR_REAL, "Of those: a mail went to the customer."
        ),
        "opened": Total(
            When.OPENED, What.OPENED, OWED_FOR_REAL,
            "Of those that failed: the link in a mail was opened.",
        ),
        "updated": Total(
            When.OPENED, What.UPDATED, OWED_FOR_REAL,
            "Of those that failed: the customer came back from Stripe's page for cards.",
        ),
        "recovered": Total(
            When.OPENED, What.CASES, RECOVERED,
            "Of those that failed: the money came, by whatever means and day. Only what came back "
            "has a mechanism: by one, as many failed as recovered.",
        ),
    }
)  # fmt: skip
STAGES: Mapping[str, str] = MappingProxyType(
    {stage: total.words for stage, total in FUNNEL.items()}
)
Stages = dict[str, int]


def stages(
    counted: Counted, range_: Range, *, by: tuple[str, ...]
) -> dict[tuple[Any, ...], Stages]:
    """How many cases got to each stage, for each group of `by` that has any; one query."""
    sums = {f"number_{stage}": counted.total(total) for stage, total in FUNNEL.items()}
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
