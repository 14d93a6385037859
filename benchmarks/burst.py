"""A burst of events, as after an outage of Stripe's or ours: how long until each is acknowledged,
how long until each has its open case, and whether one is lost. Web, two worker processes and beat
are those that the Procfile starts; Stripe is a stub.

BENCH_EVENTS makes it shorter, to try it out: what it may take is then as much shorter.
"""

import math
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from benchmarks import events, load
from benchmarks.measuring import Comparison, Fact
from benchmarks.serving import STARTS_WITHIN, redis, running, served, stub
from tests.journeys.product import wait_for

EVENTS = 20_000
CONNECTIONS = 16
DRAINED_WITHIN = 60  # seconds, of the whole burst
PATIENCE, LEAST_PATIENCE = 5, 60  # times as long, and seconds; then it is missed
LOOKS_EVERY = 0.2  # seconds
WORKER_PROCESSES = "2"
OPEN = """
SELECT count(*) FROM recovery_recoverycase WHERE status = 'open' AND decline_code <> ''
"""
ALIVE = "SELECT count(*) FROM recovery_heartbeat"  # a worker has taken a task
STORED = "SELECT count(*) FROM recovery_stripeevent"


@dataclass(frozen=True, slots=True)
class Drained:
    """How many cases were open at the end, and the seconds until then: until all were, or until
    nobody waited any longer."""

    cases: int
    seconds: float


def run() -> list[Comparison | Fact]:
    burst = int(os.environ.get("BENCH_EVENTS", EVENTS))
    secret = f"whsec_{secrets.token_urlsafe(24)}"
    with stub("benchmarks.stripe_stub") as port, redis() as url:
        settings = {
            "STRIPE_API_BASE": f"http://127.0.0.1:{port}", "REDIS_URL": url,
            "WORKER_CONCURRENCY": WORKER_PROCESSES,
        }  # fmt: skip
        with served(**settings) as server, running(server, "worker", "beat"):
            path = server.python("-m", "benchmarks.open_door", secret, "rk_test_bench").strip()
            with psycopg.connect(server.environment["DATABASE_URL"], autocommit=True) as database:
                wait_for(lambda: _count(database, ALIVE), seconds=STARTS_WITHIN)
                requests = events.signed(burst, path=path, secret=secret)
                begun = time.perf_counter()
                rate = load.per_second(
                    port=server.port, requests=requests, connections=CONNECTIONS
                )
                drained = drain(
                    lambda: _count(database, OPEN), burst, begun=begun,
                    patience=max(PATIENCE * _allowed(burst), LEAST_PATIENCE),
                )  # fmt: skip
                stored = _count(database, STORED)
    return told(burst, accepted=burst / rate, stored=stored, drained=drained)


def drain(count: Callable[[], int], burst: int, *, begun: float, patience: float) -> Drained:
    """Wait until there are as many cases as events, or for as long as there is patience."""
    while (cases := count()) < burst and time.perf_counter() - begun < patience:
        time.sleep(LOOKS_EVERY)
    return Drained(cases, time.perf_counter() - begun)


def told(burst: int, *, accepted: float, stored: int, drained: Drained) -> list[Comparison | Fact]:
    rest = burst - drained.cases
    until = "all cases are open" if not rest else f"nobody waited for the other {rest:,} cases"
    return [
        Fact(f"{burst:,} events, until all are accepted", "s", accepted, _allowed(burst)),
        Fact("events that were accepted and are lost", "events", burst - stored, 0),
        Fact(f"the same, until {until}", "s", drained.seconds, _allowed(burst)),
    ]  # fmt: skip


def _allowed(burst: int) -> int:
    """Seconds for so many events."""
    return math.ceil(DRAINED_WITHIN * burst / EVENTS)


def _count(database: psycopg.Connection, question: str) -> int:
    [number] = database.execute(question).fetchone() or [0]
    return int(number)
