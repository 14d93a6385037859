"""Lets time pass: what falls due happens, and what is to be told is delivered."""

import threading
import time
from collections.abc import Callable

from . import delivery
from .world import World

# How often the background looks for work that fell due without anyone calling.
TICK_SECONDS = 0.2


class Clock:
    """The clock as tests and the home page hold it."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def now(self) -> int:
        """Unix seconds."""
        return self._engine.world.time.now()

    def advance(
        self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> None:
        """Moves it; everything that falls due meanwhile has happened and been sent on return."""
        total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
        self._engine.advance(int(total))


class Engine:
    """Runs the schedule and the outbox of one world, in the background and on demand."""

    def __init__(self, world: World, *, signing_time: Callable[[], float] = time.time) -> None:
        self.world = world
        self._signing_time = signing_time
        self._turn = threading.RLock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="local-stripe-engine", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self.world.outbox.wake()
        # A receiver that holds a delivery is not waited for.
        self._thread.join(timeout=2)

    def advance(self, seconds: int) -> None:
        with self._turn:
            target = self.world.time.now() + max(seconds, 0)
            self.catch_up()
            due_at = self._next_due_at()
            while due_at is not None and due_at <= target and not self._stopping.is_set():
                self._move_to(due_at)
                self.catch_up()
                due_at = self._next_due_at()
            self._move_to(target)
            self.catch_up()

    def catch_up(self) -> None:
        """Does everything that is due now: jobs at their own time, then the deliveries."""
        with self._turn:
            while self._run_one_job():
                self.deliver()
            self.deliver()

    def deliver(self) -> None:
        outbox = self.world.outbox
        letter = outbox.take_due(self.world.time.now())
        while letter is not None:
            now = self.world.time.now()
            with self.world.lock:
                version = letter.endpoint["api_version"] or letter.endpoint["_default_version"]
            attempt = delivery.attempt(
                letter, version=version, now=now, signing_time=self._signing_time
            )
            outbox.done(letter, attempt, now=now)
            if self._stopping.is_set():
                return
            letter = outbox.take_due(self.world.time.now())

    def _run_one_job(self) -> bool:
        world = self.world
        with world.lock:
            due = world.schedule.take_due(world.time.now())
            if due is None:
                return False
            due_at, job = due
            with world.time.pinned_at(due_at):
                job()
        return True

    def _next_due_at(self) -> int | None:
        moments = (self.world.schedule.next_due_at(), self.world.outbox.next_due_at())
        return min((moment for moment in moments if moment is not None), default=None)

    def _move_to(self, moment: int) -> None:
        self.world.time.jump(max(moment - self.world.time.now(), 0))

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.catch_up()
            self.world.outbox.wait_for_work(TICK_SECONDS)
