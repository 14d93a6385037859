"""What programs ask the API for: figures, and the list of cases as far down as one may go."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from django.test import Client
from django.utils import timezone

from benchmarks import asking
from benchmarks.many_merchants import Office
from recovery import credentials
from recovery.models import RecoveryCase
from recovery.models.fields import cipher

API = "/fourthngoal/recover/"
MOST_OF_FIGURES, MOST_OF_A_LIST = 2.0, 1.5  # times what few cases take; a list's first page


@dataclass(frozen=True)
class Question:
    label: str
    of_many: asking.Ask
    of_few: asking.Ask
    at_most: float


def questions(*, few: Office, many: Office) -> Iterator[Question]:
    for name in ("dashboard", "analytics"):
        yield _figures(name, _inside(many), _inside(few))
    of_few, of_many = _program(few), _program(many)
    yield _figures("metrics", of_many, of_few)
    first = f"{API}events?limit=20"
    cursor = of_many.get(first, secure=True).json()["next_cursor"]
    for place, address in (("first", first), *_further(many, first, cursor)):
        yield Question(
            f"API: events, {place} page", partial(asking.ask, of_many, address),
            partial(asking.ask, of_few, first), MOST_OF_A_LIST,
        )  # fmt: skip


def _figures(name: str, of_many: Client, of_few: Client) -> Question:
    ask_many, ask_few = (partial(asking.ask, one, f"{API}{name}") for one in (of_many, of_few))
    return Question(f"API: {name}", ask_many, ask_few, MOST_OF_FIGURES)


def _inside(office: Office) -> Client:
    """The merchant's own server, which shows the dashboard."""
    key = credentials.new_internal_key(merchant=office.merchant, now=timezone.now())
    return Client(headers={"X-Internal-Key": key})


def _program(office: Office) -> Client:
    key = credentials.new_api_key(merchant=office.merchant, name="bench", now=timezone.now())
    return Client(headers={"Authorization": f"Bearer {key}"})


def _further(office: Office, first: str, cursor: str) -> Iterator[tuple[str, str]]:
    """Where nobody gets by leafing within a benchmark's time: the same cursor, at another row."""
    version, asked, _at, _pk = json.loads(cipher().decrypt(cursor + "=" * (-len(cursor) % 4)))
    for place, share in (("middle", 2), ("last", 100)):
        number = max(1, office.cases // share)
        case = RecoveryCase.objects.get(pk=office.newest - office.cases + number)
        told = json.dumps([version, asked, case.opened_at.isoformat(), case.pk], sort_keys=True)
        moved = cipher().encrypt(told.encode()).decode().rstrip("=")
        yield place, f"{first}&cursor={moved}"
