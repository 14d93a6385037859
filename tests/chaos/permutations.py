"""python -m tests.chaos.permutations COUNT SEED: one history told in so many random orders, with
duplicates, to an embedded database of its own; each time the state that is left must be the same.

Of this merchant Stripe can't be asked: what the events say is all that is known.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

from tests.chaos import history, state
from tests.chaos.history import Told
from tests.program_logs import kept_aside

ROOT = Path(__file__).resolve().parents[2]
CORES = os.cpu_count() or 1
OF_ONE_HISTORY = 100  # orders; then another history is taken
EVENTS = 30  # of three merchants
MOST_AGAIN = 6  # events of an order that are told twice
MOST_BATCHES = 4  # that are stored and then processed


@dataclass(frozen=True, slots=True)
class Ordered:
    """`events` were told all in all; `differing` orders left another state than the events did in
    the order in which they happened."""

    orders: int
    histories: int
    events: int
    differing: int


def orders(events: Sequence[Told], dice: random.Random) -> Iterator[list[list[Told]]]:
    """Batches of events, without end: each event at least once."""
    while True:
        order = [*events, *dice.choices(events, k=dice.randint(0, MOST_AGAIN))]
        dice.shuffle(order)
        batches = dice.randint(1, MOST_BATCHES)
        yield [order[first::batches] for first in range(batches)]


def run(*, count: int, seed: int, left_by: Callable[[list[list[Told]]], str]) -> Ordered:
    """`left_by` tells batches to an empty product and digests what they leave."""
    dice = random.Random(seed)
    told = differing = histories = 0
    for first in range(0, count, OF_ONE_HISTORY):
        made = of_one_merchant(dice)
        expected, histories = left_by([[event] for event in made]), histories + 1
        every_order = orders(made, dice)
        for _order in range(min(OF_ONE_HISTORY, count - first)):
            batches = next(every_order)
            told += sum(map(len, batches))
            differing += left_by(batches) != expected
    return Ordered(count, histories, told, differing)


def of_one_merchant(dice: random.Random) -> list[Told]:
    """A history of the third, of whom Stripe can't be asked, that has more than one order."""
    while True:
        made = history.make(
            seed=dice.randrange(1 << 30), events=EVENTS, begins_at=1_790_000_000, merchants=3
        )
        told = [event for event in made.events if event.merchant == 2 and event.is_kept]
        if len(told) > 1:
            return told


def on_every_core(*, count: int, seed: int) -> Ordered:
    """The orders are shared out, each share to a process of its own with histories of its own."""
    shares = [len(range(first, count, CORES)) for first in range(min(CORES, count))]
    with ThreadPoolExecutor(len(shares)) as pool:
        found = list(pool.map(_in_a_process, shares, range(seed, seed + len(shares))))
    return Ordered(*map(sum, zip(*map(astuple, found), strict=True)))


def _in_a_process(count: int, seed: int) -> Ordered:
    """Whose product is the embedded one in a new folder."""
    folders = tempfile.TemporaryDirectory(prefix="recover-orders-")
    with folders as folder, kept_aside(Path(folder)) as log:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        said = subprocess.run(
            [sys.executable, "-m", "tests.chaos.permutations", str(count), str(seed)],
            cwd=ROOT, env=kept | {"RUN_DIR": folder}, text=True, check=True,
            stdout=subprocess.PIPE, stderr=log,
        ).stdout  # fmt: skip
    return Ordered(**json.loads(said))


class Product:
    """With one merchant, in Django's database; each order is undone once it was looked at."""

    def __init__(self) -> None:
        from recovery.models import Merchant
        from tests.builders import make_merchant

        made = make_merchant("Chaos 2", webhook_secret=history.MERCHANTS[2].secret)
        self._merchant: Merchant = made

    def left_by(self, batches: list[list[Told]]) -> str:
        from django.db import connection, transaction
        from django.utils import timezone

        from recovery import inbox
        from recovery.stripe_events import Event
        from recovery.tasks import process_inbox

        def ask(question: str) -> list[tuple[Any, ...]]:
            with connection.cursor() as cursor:
                cursor.execute(question)
                return list(cursor.fetchall())

        with transaction.atomic():
            for batch in batches:
                for told in batch:
                    event = Event.parse(told.body)
                    inbox.store(
                        merchant=self._merchant, event=event, payload=told.body.decode(),
                        now=timezone.now(),
                    )  # fmt: skip
                process_inbox()
            [(undone,)] = ask(
                "SELECT count(*) FROM recovery_stripeevent WHERE state <> 'processed'"
            )
            left = state.digest(state.read(ask))
            transaction.set_rollback(True)
        return f"{left}, {undone} not processed"


def main(count: int, seed: int) -> None:
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    settings.DEBUG = False  # else each statement is kept
    call_command("migrate", interactive=False, verbosity=0)
    found = run(count=count, seed=seed, left_by=Product().left_by)
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recover_project.settings")
    main(int(sys.argv[1]), int(sys.argv[2]))
