"""What must hold at the end of a run, whatever was killed meanwhile."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import canaries
from tests.chaos.history import Told

EVENTS = """
SELECT stripe_event_id, count(*), min(state) FROM recovery_stripeevent GROUP BY 1
"""
MESSAGES = "SELECT public_id, state FROM dunning_dunningmessage"
TASKS = "SELECT once FROM recovery_operatortask WHERE done_at IS NULL"
ATTEMPTS = "SELECT key, state FROM recovery_paymentattempt WHERE trigger = 'recover'"
ANSWERED = {"succeeded", "failed"}


@dataclass(frozen=True, slots=True)
class Check:
    """How often a promise was broken, of how many cases it was looked at; some of them."""

    promise: str
    looked_at: int
    broken: int
    examples: tuple[str, ...] = ()

    @classmethod
    def of(cls, promise: str, broken: Iterable[object], *, looked_at: int) -> "Check":
        found = [str(one) for one in broken]
        return cls(promise, looked_at, len(found), tuple(found[:5]))


def events(acknowledged: Mapping[str, Told], rows: Collection[tuple[Any, ...]]) -> list[Check]:
    """`rows`: of each event's id how many there are, and its state."""
    kept = {id_ for id_, event in acknowledged.items() if event.is_kept}
    stored = {id_: (count, state) for id_, count, state in rows}
    return [
        Check.of("acknowledged events are stored", kept - stored.keys(), looked_at=len(kept)),
        Check.of(
            "stored once", [id_ for id_, (count, _) in stored.items() if count != 1],
            looked_at=len(stored),
        ),
        Check.of(
            "processed", [id_ for id_, (_, state) in stored.items() if state != "processed"],
            looked_at=len(stored),
        ),
        Check.of(
            "nothing is stored that wasn't delivered or isn't ours", stored.keys() - kept,
            looked_at=len(stored),
        ),
    ]  # fmt: skip


def charges(made: Collection[Mapping[str, Any]], attempts: Mapping[str, str]) -> list[Check]:
    """`made`: what Stripe charged. `attempts`: states of our own attempts by key."""
    by_debt = Counter(charge["debt"] for charge in made)
    keys = {charge["key"] for charge in made}
    return [
        Check.of(
            "no debt is charged twice for one step", [d for d, n in by_debt.items() if n > 1],
            looked_at=len(by_debt),
        ),
        Check.of(
            "each charge that was made has its answer in our rows",
            [key for key in keys if attempts.get(key) not in ANSWERED], looked_at=len(keys),
        ),
        Check.of(
            "no attempt is said to be answered that Stripe never made",
            [key for key, state in attempts.items() if state in ANSWERED and key not in keys],
            looked_at=len(attempts),
        ),
    ]  # fmt: skip


def mails(
    taken: Collection[str], messages: Mapping[str, str], tasks: Collection[str]
) -> list[Check]:
    """`taken`: Message-IDs of the mails that the server took, one for each mail. `messages`:
    states by public id. `tasks`: causes of what is left to a person."""
    ids = Counter(message_id.partition("@")[0] for message_id in taken)
    sent = {id_ for id_, state in messages.items() if state == "sent"}
    unknown = {id_ for id_, state in messages.items() if state == "unknown"}
    return [
        Check.of("no mail goes twice", [i for i, n in ids.items() if n > 1], looked_at=len(ids)),
        Check.of("mails that count as sent went", sent - ids.keys(), looked_at=len(sent)),
        Check.of(
            "mails that went count as sent, or as unknown", ids.keys() - sent - unknown,
            looked_at=len(ids),
        ),
        Check.of(
            "unknown mails are listed for a person",
            [id_ for id_ in unknown if not any(id_ in cause for cause in tasks)],
            looked_at=len(unknown),
        ),
    ]  # fmt: skip


def all_of(services: Any, acknowledged: Mapping[str, Told]) -> list[Check]:
    """`services`: tests.chaos.services.Services, of which rows and the stubs' notes are read."""
    folder: Path = services.folder
    made = [json.loads(line) for line in lines(folder / "charges.jsonl")]
    return [
        *events(acknowledged, services.ask(EVENTS)),
        *charges(made, dict(services.ask(ATTEMPTS))),
        *mails(
            lines(folder / "mails.txt"), dict(services.ask(MESSAGES)),
            [once for (once,) in services.ask(TASKS)],
        ),
        logs(folder),
    ]  # fmt: skip


def logs(folder: Path) -> Check:
    """What web, worker and beat wrote, killed or not."""
    written = [(file.name, line) for file in folder.glob("*.log") for line in lines(file)]
    return Check.of(
        "lines of the logs name nobody and show no secret",
        [f"{name}: {told}" for name, line in written for told in canaries.shown(line)],
        looked_at=len(written),
    )


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []
