"""Whose turn it is: no task keeps a worker for as long as there is something to do
(docs/adr/0027-whose-turn-it-is.md)."""

import logging
import time
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any, TypeVar

from celery import Task
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)
Row = TypeVar("Row")

# Seconds. Sweeps go first, so that they are short: most of the time is the events'.
SHORT, LONG = 0.25, 2.0


class Queue(StrEnum):
    """Workers take from the first that has something. The brokers know the order by the names."""

    DUE = "celery"  # what beat asks for, and who waits for an answer
    INBOX = "inbox"
    LATER = "later"  # what a turn left
    MAILS = "mails"


def poke(task: Task[..., None], *, queue: Queue, expires: float = 60, **kwargs: Any) -> None:
    """Say that there is something to do; if nobody hears it within `expires` seconds, what beat
    asks for does it."""
    try:
        task.apply_async(kwargs=kwargs, queue=queue, expires=expires)
    except (OperationalError, OSError):
        logger.warning("The broker takes no message; the sweep will do %s.", task.name)


def turn(
    task: Task[..., None], *, is_long: bool = False, queue: Queue = Queue.LATER
) -> Iterator[None]:
    """One go after the other, and one at least, while the turn lasts. Who leaves the loop is done;
    else the task is asked for once more."""
    until = time.monotonic() + (LONG if is_long else SHORT)
    yield
    while time.monotonic() < until:
        yield
    poke(task, queue=queue)


def taken(task: Task[..., None], rows: Iterable[Row], *, is_long: bool = False) -> Iterator[Row]:
    """As many of the rows, which nobody has claimed, as a turn is long for."""
    for row, _go in zip(rows, turn(task, is_long=is_long), strict=False):
        yield row
