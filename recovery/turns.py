"""Whose turn it is: no task keeps a worker for as long as there is something to do
(docs/adr/0027-whose-turn-it-is.md)."""

import logging
import time
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any, TypeVar

from celery import Task
from django.db.models import Model
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)
Row = TypeVar("Row", bound=Model)
Item = TypeVar("Item")

# Seconds. Sweeps go first, so that they are short: most of the time is the events'.
SHORT, LONG = 0.25, 2.0
HEARD_WITHIN = 60
LEFT_WITHIN = 10  # what a turn left: by then beat has asked anew


class Queue(StrEnum):
    """Workers take from the first that has something. The brokers know the order by the names."""

    DUE = "celery"  # what beat asks for, and who waits for an answer
    INBOX = "inbox"
    LATER = "later"  # what a turn left
    MAILS = "mails"


def poke(
    task: Task[..., None], *, queue: Queue, expires: float = HEARD_WITHIN, **kwargs: Any
) -> None:
    """Say that there is something to do; if nobody hears it within `expires` seconds, what beat
    asks for does it."""
    try:
        task.apply_async(kwargs=kwargs, queue=queue, expires=expires)
    except (OperationalError, OSError):
        logger.warning("The broker takes no message; the sweep will do %s.", task.name)


def turn(task: Task[..., None], *, queue: Queue = Queue.LATER) -> Iterator[None]:
    """One go after the other, and one at least, while the turn lasts. Who leaves the loop is done;
    else the task is asked for once more, in this `queue`."""
    is_long = queue is Queue.INBOX
    until = time.monotonic() + (LONG if is_long else SHORT)
    yield
    while time.monotonic() < until:
        yield
    poke(task, queue=queue, expires=HEARD_WITHIN if is_long else LEFT_WITHIN)


def taken(task: Task[..., None], rows: Iterable[Item]) -> Iterator[Item]:
    """As many as there is time for in a turn, of what is claimed or put off one by one."""
    for row, _go in zip(rows, turn(task), strict=False):
        yield row


def in_order(task: Task[..., None], rows: Iterable[Row]) -> Iterator[Row]:
    """As many of the rows, by their ids, as there is time for, and one at least. The next turn
    begins after the last of them (`after_id`): one that can't be worked, and stays, is in
    nobody's way."""
    until = time.monotonic() + SHORT
    last: Row | None = None
    for row in rows:
        if last is not None and time.monotonic() >= until:
            poke(task, queue=Queue.LATER, expires=LEFT_WITHIN, after_id=last.pk)
            return
        yield (last := row)
