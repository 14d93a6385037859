"""The same work with ten times the data: events are stored, become open cases, and what the oldest
said is forgotten, in a database of 300,000 cases and in one of 30,000, by turns.

BENCH_CASES makes it smaller, to try it out. `python -m benchmarks.growth` fills the database that
the settings name, or prints how many milliseconds a thousand events took there.
"""

import os
import sys
import time
from contextlib import ExitStack
from functools import partial

from benchmarks import processing
from benchmarks.events import bodies
from benchmarks.measuring import Comparison, Fact, by_turns
from benchmarks.processing import WARMING_UP
from benchmarks.serving import Server, prepared, stub

MANY, FEWER = 300_000, 10  # cases, and into how many parts for the few
EVENTS = 1_000  # a turn, and no more than a fourth of the few cases: each has its old payloads
PART = 4
ROUNDS = 5
MOST = 1.5
WHAT = {
    "store": "a thousand events stored, one by one",
    "open": "a thousand events to open cases",
    "forget": "a thousand old payloads forgotten",
}


def run() -> list[Comparison | Fact]:
    many = int(os.environ.get("BENCH_CASES", MANY))
    events = min(EVENTS, many // FEWER // PART)
    with ExitStack() as stack:
        port = stack.enter_context(stub("benchmarks.stripe_stub"))
        large, small = (
            stack.enter_context(prepared(STRIPE_API_BASE=f"http://127.0.0.1:{port}"))
            for _size in range(2)
        )
        for server, cases in ((large, many), (small, many // FEWER)):
            server.python("-m", "benchmarks.growth", "fill", str(cases))
        return [
            Comparison(
                f"{said}, among {many:,} cases against {many // FEWER:,}", "ms",
                *by_turns(
                    partial(_turn, large, what, events), partial(_turn, small, what, events),
                    rounds=ROUNDS,
                ),
                at_most=MOST,
            )
            for what, said in WHAT.items()
        ]  # fmt: skip


def _turn(server: Server, what: str, events: int) -> float:
    return float(server.python("-m", "benchmarks.growth", what, str(events)))


def fill(cases: int) -> None:
    from django.utils import timezone  # noqa: PLC0415 - they need a booted Django

    from benchmarks import many_merchants  # noqa: PLC0415

    many_merchants.open_offices(few=max(1, cases // 100), many=cases, now=timezone.now())


def store(events: int) -> float:
    """Milliseconds for a thousand, which nobody works."""
    from recovery.models import StripeEvent  # noqa: PLC0415 - they need a booted Django
    from tests.builders import make_merchant  # noqa: PLC0415

    merchant = make_merchant()
    processing.store(merchant, bodies(WARMING_UP))
    begun = time.perf_counter()
    processing.store(merchant, bodies(events))
    took = time.perf_counter() - begun
    stored, _by_table = StripeEvent.objects.of(merchant).delete()
    if stored != events + WARMING_UP:
        raise RuntimeError(f"Of {events} events {stored - WARMING_UP} are rows.")
    return took / events * 1e6


def open_(events: int) -> float:
    """Milliseconds for a thousand; raises RuntimeError where not each event has its case."""
    return 1e6 / processing.work(events)


def forget(events: int) -> float:
    """Milliseconds for a thousand; raises RuntimeError where fewer are old enough."""
    from django.utils import timezone  # noqa: PLC0415 - they need a booted Django

    from recovery import retention  # noqa: PLC0415

    now, forgotten = timezone.now(), 0
    begun = time.perf_counter()
    while forgotten < events:
        if not (merchants := retention.overdue(now=now)):
            raise RuntimeError(f"Of {events} payloads {forgotten} were old enough.")
        forgotten += retention.forget_payloads(merchants[0], now=now)
    return (time.perf_counter() - begun) / forgotten * 1e6


if __name__ == "__main__":
    import django

    django.setup()
    what, how_many = sys.argv[1], int(sys.argv[2])
    match what:
        case "fill":
            fill(how_many)
        case "store":
            print(store(how_many))
        case "open":
            print(open_(how_many))
        case "forget":
            print(forget(how_many))
