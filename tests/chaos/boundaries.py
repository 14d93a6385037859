"""Where a process may die: right before and right after each commit, each request to Stripe, each
word to the mail server and each message to the broker.

A process is killed as by kill -9: nothing is undone or said on the way out. Nothing in the product
knows of it: what it calls is wrapped from outside.
"""

import functools
import os
import signal
import smtplib
import threading
from collections.abc import Callable
from itertools import count
from typing import Any

from celery import Task
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from recovery.prepared import Prepared
from recovery.stripe_gateway.connections import Connections

# What crosses a boundary; `CursorWrapper` does where no transaction is open: each statement is
# committed by itself.
CROSSINGS: tuple[tuple[type, str], ...] = (
    (BaseDatabaseWrapper, "_commit"),
    (CursorWrapper, "execute"),
    (Connections, "request"),
    (smtplib.SMTP, "connect"),
    (smtplib.SMTP, "docmd"),
    (smtplib.SMTP, "mail"),
    (smtplib.SMTP, "rcpt"),
    (smtplib.SMTP, "data"),
    (Prepared, "_execute"),
    (Task, "apply_async"),
)


class Boundaries:
    """Counts them, in all threads, from 1; the process dies at `die_at`, at none if that is 0."""

    def __init__(self, die_at: int) -> None:
        self._die_at, self._numbers, self._lock = die_at, count(1), threading.Lock()
        self.passed = 0

    def cross(self) -> None:
        with self._lock:
            self.passed = next(self._numbers)
            if self.passed == self._die_at:
                os.kill(os.getpid(), signal.SIGKILL)

    def around(self, act: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(act)
        def crossing(self_: Any, *facts: Any, **named: Any) -> Any:
            is_one = not isinstance(self_, CursorWrapper) or _commits(self_, facts)
            if is_one:
                self.cross()
            try:
                return act(self_, *facts, **named)
            finally:
                if is_one:
                    self.cross()

        return crossing


def die_at(number: int) -> Boundaries:
    """The process ends at its `number`-th boundary from now on."""
    boundaries = Boundaries(number)
    for owner, name in CROSSINGS:
        setattr(owner, name, boundaries.around(getattr(owner, name)))
    return boundaries


def _commits(cursor: CursorWrapper, facts: tuple[Any, ...]) -> bool:
    is_reading = str(facts[0]).lstrip()[:6].upper() == "SELECT" if facts else True
    return not cursor.db.in_atomic_block and not is_reading
