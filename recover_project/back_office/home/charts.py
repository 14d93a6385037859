"""Bars, drawn on the server: each chart is a table as well, so that whoever can't see it reads it.

Widths and heights are percent of the largest value; the least that isn't nothing is still seen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LEAST = 1.0  # percent


@dataclass(frozen=True, slots=True)
class Bar:
    """`size` is in percent; `told` is the value as people read it, `beside` a second one."""

    label: str
    told: str
    size: float
    beside: str = ""


def bars(values: Iterable[tuple[str, int, str, str]]) -> list[Bar]:
    """Of (label, value, told, beside), in their order."""
    rows: Sequence[tuple[str, int, str, str]] = list(values)
    largest = max((value for _label, value, _told, _beside in rows), default=0)
    return [Bar(label, told, _size(value, largest), beside) for label, value, told, beside in rows]


def _size(value: int, largest: int) -> float:
    if value <= 0 or largest <= 0:
        return 0.0
    return max(LEAST, round(100 * value / largest, 1))
