"""The frame that every benchmark shares: product and yardstick by turns, and their medians.

What else the machine does meets both alike, and a ratio of two medians of the same minutes can be
compared with that of another machine, which a number of milliseconds can't.
"""

import math
import os
import platform
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

ROUNDS = 7
Measure = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Medians in `unit`. A ratio is to reach `at_least`, or `at_most`; of neither, it is told. A
    product below `fine_below` is fine whatever the ratio: two small numbers differ by noise."""

    what: str
    unit: str
    product: float
    yardstick: float
    at_least: float | None = None
    at_most: float | None = None
    fine_below: float = 0
    digits: int = 0

    @property
    def ratio(self) -> float:
        return self.product / self.yardstick

    @property
    def is_missed(self) -> bool:
        if self.product < self.fine_below:
            return False
        is_below = self.at_least is not None and self.ratio < self.at_least
        return is_below or (self.at_most is not None and self.ratio > self.at_most)

    def row(self) -> str:
        goal = f"≥ {self.at_least}" if self.at_least is not None else ""
        goal = f"≤ {self.at_most}" if self.at_most is not None else goal
        goal += f", or below {self.fine_below:,.0f} {self.unit}" if self.fine_below else ""
        product, yardstick = (
            f"{value:,.{self.digits}f} {self.unit}" for value in (self.product, self.yardstick)
        )
        return (
            f"| {self.what} | {product} | {yardstick} "
            f"| {self.ratio:.2f} | {goal}{', missed' if self.is_missed else ''} |"
        )


@dataclass(frozen=True, slots=True)
class Fact:
    """A number that needs no yardstick, and the most, or the least, that it may be."""

    what: str
    unit: str
    product: float
    at_most: float = math.inf
    at_least: float = 0

    @property
    def is_missed(self) -> bool:
        return not self.at_least <= self.product <= self.at_most

    def row(self) -> str:
        goal = f"≥ {self.at_least:,.0f}" if self.at_least else f"≤ {self.at_most:,.0f}"
        return (
            f"| {self.what} | {self.product:,.0f} {self.unit} | | "
            f"| {goal}{', missed' if self.is_missed else ''} |"
        )


def by_turns(product: Measure, yardstick: Measure, *, rounds: int = ROUNDS) -> tuple[float, float]:
    """The medians of both, after a first turn each that nobody counts."""
    product()
    yardstick()
    measured = [(product(), yardstick()) for _round in range(rounds)]
    ours, others = zip(*measured, strict=True)
    return median(ours), median(others)


def machine() -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        capture_output=True, text=True, check=False,
    ).stdout.strip()  # fmt: skip
    return (
        f"{datetime.now(tz=UTC):%Y-%m-%d}, commit {commit or 'unknown'}, {os.cpu_count()} cores, "
        f"{platform.machine()}, Python {platform.python_version()}"
    )
