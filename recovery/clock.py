"""The one clock of all processes: the database's.

A lease, a due time, an expiry that one machine wrote is read by another. So a process that serves
or works adds to its own clock what that one is behind; whose clock is right within a second adds
nothing. SQLite is on this machine, whose clock is the one.
"""

import logging
import time
from datetime import datetime, timedelta

from django.db import DatabaseError, connection
from django.utils import timezone

logger = logging.getLogger(__name__)

ASKED_EVERY = 60  # seconds
ASKED_AGAIN_AFTER = 5  # seconds, where the database could not be asked
SAME = timedelta(seconds=1)  # clocks that are no further apart are one


class Clock:
    """A process's; `behind` is how much is to be added to the machine's."""

    def __init__(self) -> None:
        self.behind = timedelta(0)
        self._is_followed = False
        self._ask_at: float | None = None  # time.monotonic(); None: was never asked

    def follow_database(self) -> None:
        """From now on, in this process and in those that it forks."""
        self._is_followed = True

    def now(self) -> datetime:
        if self._is_followed and self._is_to_be_asked():
            self._ask()
        return timezone.now() + self.behind

    def _is_to_be_asked(self) -> bool:
        """A thread that has no connection isn't given one for that, but for the first time."""
        if self._ask_at is None:
            return True
        return time.monotonic() >= self._ask_at and connection.connection is not None

    def _ask(self) -> None:
        self._ask_at = time.monotonic() + ASKED_AGAIN_AFTER
        if connection.vendor != "postgresql":
            self._is_followed = False
            return
        try:
            before = timezone.now()
            with connection.cursor() as cursor:
                cursor.execute("SELECT clock_timestamp()")
                told: datetime = cursor.fetchone()[0]
            took = timezone.now() - before
        except DatabaseError:
            return  # as far apart as they were
        self._ask_at = time.monotonic() + ASKED_EVERY
        self._set(told - before - took / 2, give_or_take=took / 2)

    def _set(self, behind: timedelta, *, give_or_take: timedelta) -> None:
        if abs(behind) <= SAME + give_or_take:
            behind = timedelta(0)
        if abs(behind - self.behind) > SAME:
            logger.warning(
                "This machine's clock is %+.0f seconds from the database's, which counts.",
                -behind.total_seconds(),
            )
            self.behind = behind


_OURS = Clock()
now = _OURS.now
follow_database = _OURS.follow_database


def apart() -> timedelta:
    """How far this machine's clock is from the one that counts: for who reads the machine's."""
    return abs(_OURS.behind)
