"""Looking at what may hang: in a thread of its own, once at a time, and waited for so long.

Timeouts of a driver aren't enough: a name that isn't resolved and a network that swallows packets
are outside of them.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from django.db import connections

Check = Callable[[], None]  # raises whatever is amiss
GIVEN_UP_AFTER = 30  # seconds; then a look that still hangs keeps no other from being begun


@dataclass(frozen=True, slots=True)
class Verdict:
    """`why` is for the log alone: it may name hosts."""

    is_ok: bool
    took_ms: int
    why: str = ""


NOT_ASKED = Verdict(is_ok=False, took_ms=0, why="not asked: what it needs is away")


class Look:
    """Checks that are made one after the other. All but the first need what the first looks at,
    and aren't made where that fails. However many ask at once, one look answers them."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._lock = threading.Lock()
        self._running: Running | None = None

    @property
    def names(self) -> list[str]:
        return list(self._checks)

    def begin(self) -> "Running":
        """The one that is under way, or a new one."""
        with self._lock:
            if self._running is None or not self._running.is_worth_waiting_for:
                self._running = Running(self._checks)
                threading.Thread(target=self._running.work, daemon=True).start()
            return self._running


class Running:
    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._began_at = time.monotonic()
        self._made: dict[str, Verdict] = {}
        self._over = threading.Event()

    @property
    def is_worth_waiting_for(self) -> bool:
        return not self._over.is_set() and self._age < GIVEN_UP_AFTER

    @property
    def _age(self) -> float:
        return time.monotonic() - self._began_at

    def work(self) -> None:
        try:
            for name, check in self._checks.items():
                self._made[name] = _judge(check)
                if not next(iter(self._made.values())).is_ok:
                    break
            connections.close_all()
        finally:
            self._over.set()

    def verdicts(self, *, within: float) -> Iterator[tuple[str, Verdict]]:
        """Of each check by its name, at the latest `within` seconds after the look began."""
        self._over.wait(max(0.0, within - self._age))
        made = dict(self._made)
        missing = Verdict(is_ok=False, took_ms=self._age_ms, why=f"no answer in {within} s")
        if made and not next(iter(made.values())).is_ok:
            missing = NOT_ASKED
        for name in self._checks:
            if name in made:
                yield name, made[name]
            else:
                yield name, missing
                missing = NOT_ASKED

    @property
    def _age_ms(self) -> int:
        return round(self._age * 1000)


def _judge(check: Check) -> Verdict:
    began = time.monotonic()
    why = ""
    try:
        check()
    except Exception as error:  # noqa: BLE001 - whatever it is, this process isn't ready
        why = f"{type(error).__name__}: {error}"
    return Verdict(not why, round((time.monotonic() - began) * 1000), why)
