"""The time at this Stripe: the computer's, plus however far it was moved."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_pinned: ContextVar[int | None] = ContextVar("pinned", default=None)


class Time:
    """Unix seconds. Ticks like any clock unless it was given a moment to stand still at."""

    def __init__(self, *, frozen_at: int | None = None) -> None:
        self._frozen_at = frozen_at
        self._ahead = 0

    def now(self) -> int:
        pinned = _pinned.get()
        if pinned is not None:
            return pinned
        return self._ahead + (int(time.time()) if self._frozen_at is None else self._frozen_at)

    def jump(self, seconds: int) -> None:
        self._ahead += seconds

    @contextmanager
    def pinned_at(self, moment: int) -> Iterator[None]:
        """Within the block and this thread it is `moment`: what falls due runs at its own time."""
        token = _pinned.set(moment)
        try:
            yield
        finally:
            _pinned.reset(token)
