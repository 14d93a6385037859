"""The back office and the API of a merchant with a million cases and ten million timeline
entries, against those of one with a thousand, in the same database.

BENCH_CASES makes it smaller, to try it out. `python -m benchmarks.back_office` is what asks, in a
process that has the product's settings; it prints a line of JSON for each page.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.measuring import Comparison, Fact, by_turns
from benchmarks.serving import prepared

if TYPE_CHECKING:  # it needs a booted Django
    from benchmarks import asking

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
    at_most: float = MOST_TIMES


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
                at_most=page.at_most, fine_below=FINE_BELOW, digits=1,
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

    from benchmarks import api_pages, asking, many_merchants, office_pages  # noqa: PLC0415 - too

    small, large = many_merchants.open_offices(few=few, many=many, now=timezone.now())
    of_small, of_large = (asking.logged_in(office.owner) for office in (small, large))
    for page in office_pages.pages(of_large):
        ask_small = partial(asking.ask, of_small, page.address(small))
        ask_large = partial(asking.ask, of_large, page.address(large))
        if (cost := ask_large()).is_page:
            times = _times(ask_large, ask_small, rounds=rounds)
            yield Asked(page.label, cost.queries, *times)
    for question in api_pages.questions(few=small, many=large):
        times = _times(question.of_many, question.of_few, rounds=rounds)
        yield Asked(question.label, question.of_many().queries, *times, question.at_most)


def _times(of_many: "asking.Ask", of_few: "asking.Ask", *, rounds: int) -> tuple[float, float]:
    """Medians, in milliseconds."""
    return by_turns(lambda: of_many().milliseconds, lambda: of_few().milliseconds, rounds=rounds)


if __name__ == "__main__":
    import sys

    import django

    django.setup()
    cases = int(sys.argv[1])
    for each in asked(few=min(FEW, max(1, cases // 10)), many=cases):
        print(json.dumps(asdict(each)), flush=True)
