"""A process dies at every boundary in turn, and another one goes on: the state is that of a
process that never died."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.serving import HOST, ROOT
from tests.chaos import history, services
from tests.chaos.debts import Debt, Kind


@dataclass(frozen=True, slots=True)
class Crossed:
    """`turns` are those in which the process died."""

    boundaries: int
    turns: int
    wrong: tuple[str, ...]
    seconds: float


def small(*, begins_at: int) -> history.History:
    """One debt of each kind that money or mail goes out for, and two that end by themselves."""
    kinds = (
        (0, Kind.STAYS_OPEN, "do_not_honor"), (0, Kind.PAID, "generic_decline"),
        (1, Kind.PAYMENT_STAYS_OPEN, "do_not_honor"), (2, Kind.STAYS_OPEN, "lost_card"),
        (2, Kind.VOIDED, "do_not_honor"),
    )  # fmt: skip
    owed = [
        Debt(
            number=number, merchant=merchant, kind=kind, code=code, failures=1, amount=4900,
            currency=history.MERCHANTS[merchant].currency,
            livemode=history.MERCHANTS[merchant].livemode,
            failed_at=begins_at, ended_at=begins_at + 7200,
        )
        for number, (merchant, kind, code) in enumerate(kinds, start=1)
    ]  # fmt: skip
    return history.of(owed, seed=1, merchants=3)


def run(*, step: int, begins_at: int) -> Crossed:
    """At each `step`-th boundary, 1 for all of them."""
    made, begun = small(begins_at=begins_at), time.monotonic()
    owed = json.dumps([debt.told() for debt in made.debts])
    with services.running(owed, is_lasting=False) as running:
        count = str(len(made.merchants))
        told = {
            "paths": json.loads(running.server.python("-m", "tests.chaos.merchants", count)),
            "folder": str(running.folder), "stripe_port": running.stripe_port,
            "events": [
                {"id": one.id, "merchant": one.merchant, "created": one.created,
                 "body": one.body.decode(), "is_kept": one.is_kept}
                for one in made.events
            ],
        }  # fmt: skip
        turns = list(_turns(running, told, step))
    wrong = [
        f"boundary {one['number']}: {what}"
        for one in turns
        for what in (*one["differences"], *one["broken"], *one["undone"])
    ]
    deaths = sum(one["is_dead"] for one in turns)
    return Crossed(turns[0]["passed"], deaths, tuple(wrong), time.monotonic() - begun)


def _turns(
    running: services.Services, told: dict[str, Any], step: int
) -> Iterator[dict[str, Any]]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.crossing", str(step)], cwd=ROOT, text=True,
        env=dict(running.server.environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=(running.folder / "crossing.log").open("w"),
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(told))
        process.stdin.close()
        yield from map(json.loads, process.stdout)
    if process.returncode:
        raise RuntimeError((running.folder / "crossing.log").read_text()[-3000:])


def forgetting(folder: Path, stripe_port: int) -> Callable[[], None]:
    """What makes both stubs forget what they took."""

    def forget() -> None:
        url = f"http://{HOST}:{stripe_port}/control/forget/0"
        with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=10):
            pass
        for name in ("charges.jsonl", "mails.txt"):
            if (folder / name).exists():
                os.truncate(folder / name, 0)

    return forget
