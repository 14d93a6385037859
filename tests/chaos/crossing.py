"""python -m tests.chaos.crossing STEP, told on its input what to do: one history worked in a
process that dies at each boundary in turn, and by another one that comes after it.

Each turn has a database of its own, made from the prepared one, and what the stubs took is
forgotten before it.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django

django.setup()

import psycopg  # noqa: E402 - Django is booted before what needs it
from django.conf import settings  # noqa: E402
from django.db import connections  # noqa: E402
from django.test import Client  # noqa: E402
from psycopg import sql  # noqa: E402

from dunning import tasks as dunning_tasks  # noqa: E402
from recover_project.celery import app  # noqa: E402
from recovery import tasks, turns  # noqa: E402
from recovery.pokes import Poke  # noqa: E402
from recovery.signatures import sign  # noqa: E402
from recovery.stripe_gateway.wire import http  # noqa: E402
from tests.chaos import boundaries, checks, clocks, quiet, state  # noqa: E402
from tests.chaos.debts import Debt  # noqa: E402
from tests.chaos.history import MERCHANTS, Told, told_of_charges  # noqa: E402

TURN = "chaos_turn"
KILLED = 9  # the signal
ROUNDS = 40
LATER = 15 * 60  # seconds by which the second process's clock is ahead: each lease is over
# As beat asks for them, in the order in which money moves.
WORK: tuple[Callable[[], object], ...] = (
    tasks.process_inbox, tasks.enrich_cases, dunning_tasks.start_runs, dunning_tasks.tell_stripe,
    dunning_tasks.work_due_steps, dunning_tasks.deliver_queued, dunning_tasks.charge_due_retries,
    tasks.look_up_charges, dunning_tasks.set_aside_unknown,
)  # fmt: skip


@dataclass(frozen=True)
class Turn:
    """What a turn left behind; `is_dead`: the process came to the boundary and died there."""

    is_dead: bool
    passed: int
    undone: Mapping[str, int]
    checks: Sequence[checks.Check]
    state: state.State


@dataclass(frozen=True)
class Place:
    """`url` of the prepared database; `folder` of the stubs; `paths` of the merchants' doors."""

    url: str
    folder: Path
    paths: Sequence[str]
    events: Sequence[Told]

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(_named(self.url, TURN), autocommit=True) as known:
            return known.execute(question).fetchall()

    @property
    def noted(self) -> Path:
        """Ids of the events that were acknowledged, a line each."""
        return self.folder / "acknowledged.txt"

    def told(self) -> list[Told]:
        """What happened, and what came of our own charges so far."""
        owed = [Debt.read(debt) for debt in json.loads((self.folder / "debts.json").read_text())]
        return [*self.events, *told_of_charges(owed, checks.lines(self.folder / "charges.jsonl"))]

    def acknowledged(self) -> dict[str, Told]:
        ids = set(checks.lines(self.noted))
        return {event.id: event for event in self.told() if event.id in ids}


def turn(place: Place, *, die_at: int, forget: Callable[[], None]) -> Turn:
    """One process dies at that boundary, at none if it is 0; then another one works on."""
    _fresh(place.url)
    forget()
    place.noted.unlink(missing_ok=True)
    passed = place.folder / "passed.txt"
    passed.write_text("0")
    is_dead = _forked(lambda: _work_until(place, die_at, passed))
    if is_dead:
        _forked(lambda: _work_later(place))
    return Turn(
        is_dead, int(passed.read_text()), quiet.undone(place.ask),
        _checks(place), state.read(place.ask),
    )  # fmt: skip


def _checks(place: Place) -> list[checks.Check]:
    return checks.all_of(place, place.acknowledged())


def _work_until(place: Place, die_at: int, passed: Path) -> None:
    known = boundaries.die_at(die_at)
    _live(place)
    passed.write_text(str(known.passed))


def _work_later(place: Place) -> None:
    clocks.turn(LATER)
    _live(place)


def _live(place: Place) -> None:
    """What isn't acknowledged yet is delivered, and everything is worked that is due."""
    for _round in range(ROUNDS):
        known = place.acknowledged()
        unheard = [event for event in place.told() if event.id not in known]
        for event in unheard:
            _deliver(place, event)
        for work in WORK:
            work()
        if not unheard and not quiet.undone(place.ask):
            return
        if clocks.ahead():
            clocks.turn(LATER)  # what was put off comes due


def _deliver(place: Place, event: Told) -> None:
    header = sign(
        body=event.body, secret=MERCHANTS[event.merchant].secret,
        timestamp=int(time.time() + clocks.ahead()),
    )  # fmt: skip
    answer = Client(headers={"Host": "127.0.0.1"}).post(
        place.paths[event.merchant], event.body, content_type="application/json",
        headers={"Stripe-Signature": header},
    )  # fmt: skip
    if answer.status_code == 200:
        with place.noted.open("a") as noted:
            print(event.id, file=noted)


# --- processes and databases ------------------------------------------------------------------


def warm_up(place: Place, *, forget: Callable[[], None]) -> None:
    """All that is read and imported at its first use, so that no child of ours needs to."""
    connections["default"].settings_dict["NAME"] = TURN
    app.conf.update(broker_url="memory://")  # hints are heard by nobody
    Poke.soon = lambda _self: None  # type: ignore[assignment,method-assign]
    turns.SHORT = turns.LONG = 3600  # how far a turn goes isn't left to the clock
    settings.MAIL_CONNECTIONS = 1  # nor what comes first to threads
    _fresh(place.url)
    _live(place)
    forget()
    connections["default"].close()
    known: Any = connections["default"]
    known.close_pool()  # PostgreSQL's connections have one
    http().close()


def _forked(work: Callable[[], None]) -> bool:
    """Do it in a child of ours; whether that was killed. Raises RuntimeError if it failed."""
    child = os.fork()
    if not child:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    _pid, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status) == KILLED
    if os.WEXITSTATUS(status):
        raise RuntimeError("A turn failed; what it said is above.")
    return False


def _fresh(url: str) -> None:
    with psycopg.connect(_named(url, "template1"), autocommit=True) as admin:
        prepared = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
        admin.execute(f"DROP DATABASE IF EXISTS {TURN} WITH (FORCE)")
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(TURN), sql.Identifier(str(prepared))
            )
        )


def _named(url: str, name: str) -> str:
    return psycopg.conninfo.make_conninfo(url, dbname=name)


def main(step: int) -> None:
    """Prints a line of JSON for each turn, the undisturbed one first."""
    from tests.chaos.in_turn import forgetting  # it asks for no Django, and starts this one

    told = json.load(sys.stdin)
    place = Place(
        os.environ["DATABASE_URL"], Path(told["folder"]), told["paths"],
        [Told(**{**event, "body": event["body"].encode()}) for event in told["events"]],
    )  # fmt: skip
    forget = forgetting(place.folder, told["stripe_port"])
    warm_up(place, forget=forget)
    whole = turn(place, die_at=0, forget=forget)
    _tell(whole, number=0, expected=whole.state)
    for number in range(1, whole.passed + 1, step):
        _tell(turn(place, die_at=number, forget=forget), number=number, expected=whole.state)


def _tell(known: Turn, *, number: int, expected: state.State) -> None:
    line = {
        "number": number, "is_dead": known.is_dead, "passed": known.passed,
        "undone": known.undone, "differences": state.differences(expected, known.state),
        "broken": [f"{c.promise}: {c.examples}" for c in known.checks if c.broken],
    }  # fmt: skip
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
