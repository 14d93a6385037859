"""A thousand due steps are taken, as the tick takes them: of a hundred thousand that are due among
a million open cases, against all that are due among ten thousand, in two databases.

BENCH_CASES makes it smaller, to try it out. `python -m benchmarks.tick` fills the database that
the settings name, or takes steps there and prints how many seconds a thousand took.
"""

import os
import sys
import time
from functools import partial

from benchmarks.measuring import Comparison, Fact, by_turns
from benchmarks.serving import Server, prepared, redis

MANY = 1_000_000
FEWER, DUE = 100, 10  # parts of the many: the few, and those that are due
THOUSAND = 1_000
ROUNDS = 5
LEAST = 1_200  # of the few, so that each turn has a tick's batch to take
MOST = 1.5


def run() -> list[Comparison | Fact]:
    many = int(os.environ.get("BENCH_CASES", MANY))
    few = max(many // FEWER, LEAST)
    steps = min(THOUSAND, few // (ROUNDS + 1))
    with redis() as url, prepared(REDIS_URL=url) as large, prepared(REDIS_URL=url) as small:
        _fill(large, cases=many, due=many // DUE)
        _fill(small, cases=few, due=few)
        of_many, of_few = by_turns(
            partial(_turn, large, steps), partial(_turn, small, steps), rounds=ROUNDS
        )
    return [
        Comparison(
            f"a thousand due steps among {many:,} open cases, against {few:,}", "ms",
            of_many * 1000, of_few * 1000, at_most=MOST,
        )
    ]  # fmt: skip


def _fill(server: Server, *, cases: int, due: int) -> None:
    server.python("-m", "benchmarks.tick", "fill", str(cases), str(due))


def _turn(server: Server, steps: int) -> float:
    return float(server.python("-m", "benchmarks.tick", "take", str(steps)))


def fill(cases: int, due: int) -> None:
    from django.utils import timezone  # noqa: PLC0415 - they need a booted Django

    from benchmarks import open_cases  # noqa: PLC0415

    open_cases.fill(cases=cases, due=due, now=timezone.now())


def take(steps: int) -> float:
    """Seconds for a thousand; raises RuntimeError where fewer than these were due."""
    from django.utils import timezone  # noqa: PLC0415 - they need a booted Django

    from dunning import runs  # noqa: PLC0415
    from dunning.tasks import work_due_steps  # noqa: PLC0415

    now = timezone.now()
    due = runs.due(now=now).count()
    begun = time.perf_counter()
    taken = 0
    while taken < steps:
        work_due_steps()
        before, taken = taken, due - runs.due(now=now).count()
        if taken == before:
            raise RuntimeError(f"Of {steps} steps that were due {taken} were taken.")
    took = time.perf_counter() - begun
    return took / taken * THOUSAND


if __name__ == "__main__":
    import django

    django.setup()
    match sys.argv[1:]:
        case ["fill", cases, due]:
            fill(int(cases), int(due))
        case ["take", steps]:
            print(take(int(steps)))
