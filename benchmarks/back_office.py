"""The back office of a merchant with a million cases and ten million timeline entries, against
that of one with a thousand, in the same database.

BENCH_CASES makes it smaller, to try it out. `python -m benchmarks.back_office` is what asks, in a
process that has the product's settings; it prints a line of JSON for each page.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial

from benchmarks.measuring import Comparison, Fact, by_turns
from benchmarks.serving import prepared

MANY, FEW = 1_000_000, 1_000
ROUNDS = 3
MOST_TIMES, FINE_BELOW = 2.0, 10  # milliseconds
MOST_QUERIES = 19
HOME, MOST_OF_HOME = "index", 100  # milliseconds, whatever it takes with few


@dataclass(frozen=True, slots=True)
class Asked:
    """Medians, in milliseconds of the database's time."""

    page: str
    queries: int
    many: float
    few: float


def run() -> list[Comparison | Fact]:
    cases = os.environ.get("BENCH_CASES", str(MANY))
    with prepared() as server:
        lines = server.python("-m", "benchmarks.back_office", cases).splitlines()
    return told([Asked(**json.loads(line)) for line in lines])


def told(pages: list[Asked]) -> list[Comparison | Fact]:
    worst = max(pages, key=lambda page: page.queries)
    return [
        *(
            Comparison(
                f"{page.page} ({page.queries} queries)", "ms", page.many, page.few,
                at_most=MOST_TIMES, fine_below=FINE_BELOW, digits=1,
            )
            for page in pages
        ),
        *(
            Fact("the first page", "ms", round(page.many), MOST_OF_HOME)
            for page in pages
            if page.page == HOME
        ),
        Fact(f"the most queries of a page: {worst.page}", "queries", worst.queries, MOST_QUERIES),
    ]  # fmt: skip


def asked(*, few: int, many: int, rounds: int = ROUNDS) -> Iterator[Asked]:
    """Fills the database that the settings name, and asks for every page by turns."""
    from django.utils import timezone  # noqa: PLC0415 - it needs a booted Django

    from benchmarks import asking, many_merchants, office_pages  # noqa: PLC0415 - as well

    small, large = many_merchants.open_offices(few=few, many=many, now=timezone.now())
    of_small, of_large = (asking.logged_in(office.owner) for office in (small, large))
    for page in office_pages.pages(of_large):
        ask_small = partial(asking.ask, of_small, page.address(small))
        ask_large = partial(asking.ask, of_large, page.address(large))
        if (cost := ask_large()).is_page:
            product, yardstick = by_turns(
                lambda ask=ask_large: ask().milliseconds,  # type: ignore[misc]
                lambda ask=ask_small: ask().milliseconds,  # type: ignore[misc]
                rounds=rounds,
            )
            yield Asked(page.label, cost.queries, product, yardstick)


if __name__ == "__main__":
    import sys

    import django

    django.setup()
    cases = int(sys.argv[1])
    for each in asked(few=min(FEW, max(1, cases // 10)), many=cases):
        print(json.dumps(asdict(each)), flush=True)
