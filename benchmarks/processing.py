"""Events from the inbox to open cases with their timeline: how many a second one worker process
works, against single-row inserts into the same database; and how many where Stripe tells of each
failure twice, as it does. `python -m benchmarks.processing` is the worker, in a process that has
the product's settings.

BENCH_EVENTS makes it shorter, to try it out.
"""

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import psycopg

from benchmarks import events
from benchmarks.measuring import Comparison, Fact, by_turns
from benchmarks.serving import Server, prepared, stub

if TYPE_CHECKING:
    from recovery.models import Merchant

EVENTS, ROWS = 2_000, 2_000  # a turn
WARMING_UP = 200  # events that a process has worked before those that count
ROUNDS = 3
Bodies = Callable[[int], list[bytes]]
LEAST, LEAST_A_SECOND = 0.15, 400


def run() -> list[Comparison | Fact]:
    how_many = int(os.environ.get("BENCH_EVENTS", EVENTS))
    with (
        stub("benchmarks.stripe_stub") as port,
        prepared(STRIPE_API_BASE=f"http://127.0.0.1:{port}") as server,
    ):
        worked = partial(_worked, server, how_many)
        product, yardstick = by_turns(
            partial(worked, "invoices"), partial(_inserts, server), rounds=ROUNDS
        )
        of_both, of_invoices = by_turns(
            partial(worked, "pairs"), partial(worked, "invoices"), rounds=ROUNDS
        )
    return [
        Comparison(
            "events to open cases, against single-row inserts", "a second", product, yardstick,
            at_least=LEAST,
        ),
        Fact("events to open cases", "a second", product, at_least=LEAST_A_SECOND),
        Comparison(
            "events of invoices and of their payments, against those of invoices alone",
            "a second", of_both, of_invoices, at_least=1,
        ),
    ]  # fmt: skip


def _worked(server: Server, how_many: int, kind: str) -> float:
    return float(server.python("-m", "benchmarks.processing", str(how_many), kind))


def _inserts(server: Server) -> float:
    """Each a transaction of its own, prepared, over one connection: what pgbench would do."""
    with psycopg.connect(server.environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS bench_row (id bigserial, told text)")
        begun = time.perf_counter()
        for number in range(ROWS):
            connection.execute(
                "INSERT INTO bench_row (told) VALUES (%s)", [f"{number:0100}"], prepare=True
            )
        return ROWS / (time.perf_counter() - begun)


def work(how_many: int, bodies: Bodies = events.bodies) -> float:
    """A second; raises RuntimeError where not each failure has its case."""
    from tests.builders import make_merchant  # noqa: PLC0415 - it needs a booted Django

    merchant = make_merchant()
    merchant.stripe.api_key, merchant.stripe.livemode = "rk_test_bench", False
    merchant.stripe.save()
    _seconds(merchant, bodies(WARMING_UP))
    told = bodies(how_many)
    return len(told) / _seconds(merchant, told)


def store(merchant: "Merchant", bodies: Iterable[bytes]) -> None:
    """These events in the inbox, each in a transaction of its own."""
    from django.utils import timezone  # noqa: PLC0415 - they need a booted Django

    from recovery import inbox  # noqa: PLC0415
    from recovery.stripe_events import Event  # noqa: PLC0415

    for body in bodies:
        payload = body.decode()
        inbox.store(
            merchant=merchant, event=Event.parse(payload), payload=payload, now=timezone.now()
        )


def _seconds(merchant: "Merchant", bodies: Sequence[bytes]) -> float:
    """Until all events are processed, and each failure has its case and is one attempt."""
    from recovery.models import PaymentAttempt, RecoveryCase, StripeEvent  # noqa: PLC0415 - as above
    from recovery.tasks import process_inbox  # noqa: PLC0415

    store(merchant, bodies)
    cases = RecoveryCase.objects.of(merchant).exclude(decline_code="")
    attempts = PaymentAttempt.objects.of(merchant)
    unprocessed = StripeEvent.objects.exclude(state=StripeEvent.State.PROCESSED)
    before, begun = (cases.count(), attempts.count()), time.perf_counter()
    while unprocessed.exists():
        process_inbox()  # for as long as its turn is
        if put_off := unprocessed.exclude(error="").first():
            raise RuntimeError(f"{put_off} can't be processed: {put_off.error}")
    took = time.perf_counter() - begun
    failures = sum(b'"invoice.payment_failed"' in body for body in bodies)
    now_there = (cases.count() - before[0], attempts.count() - before[1])
    if now_there != (failures, failures):
        raise RuntimeError(f"Of {failures} failures there are {now_there} cases and attempts.")
    return took


KINDS: Mapping[str, Bodies] = MappingProxyType({"invoices": events.bodies, "pairs": events.pairs})

if __name__ == "__main__":
    import django

    django.setup()
    print(work(int(sys.argv[1]), KINDS[sys.argv[2]]))
