"""One history carried through the whole product, undisturbed or with faults, to its end."""

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import psycopg

from benchmarks.serving import STARTS_WITHIN
from tests.chaos import checks, quiet, services, state
from tests.chaos.checks import Check
from tests.chaos.faults import Faults
from tests.chaos.feeding import Feed
from tests.chaos.history import History, Told, told_of_charges
from tests.chaos.services import Services
from tests.chaos.state import State
from tests.journeys.product import wait_for

# So much that waits to be worked: then the next events come later, so that what is left at the
# end is what faults have left.
HELD_ABOVE = 400
LOOKS_EVERY = 0.5  # seconds
PATIENCE = 900  # seconds
HAS_CALMED = 3  # looks in a row at which nothing was left to do
ALIVE = "SELECT count(*) FROM recovery_heartbeat"


@dataclass
class Outcome:
    """`waits`: seconds after the last fault, or the last event where that came later, until
    nothing of a kind was left to do."""

    state: State
    checks: list[Check]
    deliveries: int
    refused: int
    seconds: float
    waits: dict[str, float] = field(default_factory=dict)
    undone: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    unknown: int = 0

    @property
    def is_whole(self) -> bool:
        return not self.undone and not any(check.broken for check in self.checks)


def carry_out(
    history: History, deliveries: Sequence[Told], faults: Faults | None = None
) -> Outcome:
    begun = time.monotonic()
    with services.running(json.dumps([debt.told() for debt in history.debts])) as running:
        count = str(len(history.merchants))
        paths = json.loads(running.server.python("-m", "tests.chaos.merchants", count))
        running.start()
        wait_for(lambda: running.ask(ALIVE)[0][0], seconds=STARTS_WITHIN)
        backlog = _Backlog(running)
        feed = Feed(running.server.port, history.merchants, paths, lambda: backlog.is_long)
        feeding = threading.Thread(target=feed.deliver, args=(deliveries,), daemon=True)
        feeding.start()
        if faults:
            faults.make(running)
        feeding.join()
        backlog.stop()
        waits, undone = _calm(
            running, feed, history, since=max(feed.last_at, faults.last_at if faults else 0)
        )
        found = checks.all_of(running, feed.acknowledged)
        unknown = "SELECT count(*) FROM dunning_dunningmessage WHERE state = 'unknown'"
        return Outcome(
            state.read(running.ask, unasked=_unasked(history)), found,
            feed.deliveries, feed.refused,
            time.monotonic() - begun, waits, undone, faults.counts if faults else {},
            running.ask(unknown)[0][0],
        )  # fmt: skip


def _unasked(history: History) -> list[str]:
    return [f"Chaos {merchant.number}" for merchant in history.merchants if not merchant.key]


def _calm(
    running: Services, feed: Feed, history: History, *, since: float
) -> tuple[dict[str, float], dict[str, int]]:
    """Until when each kind of work lasted, and what is undone when nobody waits any longer. Stripe
    tells of our own charges meanwhile."""
    waits: dict[str, float] = {}
    undone: dict[str, int] = {}
    calm_looks = 0
    while calm_looks < HAS_CALMED and time.monotonic() - since < PATIENCE:
        running.revive()
        charges = checks.lines(running.folder / "charges.jsonl")
        told = told_of_charges(history.debts, charges)
        feed.deliver([event for event in told if event.id not in feed.acknowledged])
        undone = quiet.undone(running.ask)
        waits |= dict.fromkeys(undone, time.monotonic() - since)
        calm_looks = 0 if undone else calm_looks + 1
        time.sleep(LOOKS_EVERY)
    return waits, undone


class _Backlog:
    """Looks now and then how much waits; while the database can't be asked, it is as it was."""

    def __init__(self, running: Services) -> None:
        self._running, self._is_over = running, threading.Event()
        self.is_long = False
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Then nothing is held up any more."""
        self._is_over.set()
        self._thread.join()
        self.is_long = False

    def _look(self) -> None:
        while not self._is_over.wait(LOOKS_EVERY):
            try:
                waiting = sum(quiet.undone(self._running.ask).values())
            except psycopg.Error:
                continue
            self.is_long = waiting > HELD_ABOVE
