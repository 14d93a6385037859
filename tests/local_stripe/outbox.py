"""Webhook deliveries: what is still to be sent, and a log of every attempt."""

import threading
import time
from dataclasses import dataclass, field

from .shapes import Object

# Seconds on the clock of this Stripe between attempts: about three days in all, as in live mode.
BACK_OFF = (300, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600, 24 * 3600)
# Seconds of real time, whichever comes first: a receiver that restarts soon hears the event soon.
QUICK_RETRIES = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0)


@dataclass
class Letter:
    """One event on its way to one endpoint."""

    event: Object
    endpoint: Object
    due_at: int
    attempts: int = 0
    quickly_at: float = 0.0

    def is_due(self, now: int) -> bool:
        return self.due_at <= now or self.quickly_at <= time.monotonic()


@dataclass(frozen=True)
class DeliveryAttempt:
    """What one attempt came to. `status` is None where there was no answer at all."""

    event_id: str
    event_type: str
    endpoint_id: str
    url: str
    attempt: int
    at: int
    status: int | None
    error: str | None
    payload: Object = field(repr=False)
    signature: str = field(repr=False)

    @property
    def is_delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Outbox:
    """The queue. Letters leave it in the order of their events."""

    def __init__(self) -> None:
        self.log: list[DeliveryAttempt] = []
        self._letters: list[Letter] = []
        self._in_flight = 0
        self._changed = threading.Condition()

    def add(self, event: Object, endpoint: Object, *, now: int) -> None:
        event["_undelivered"].append(endpoint["id"])
        event["pending_webhooks"] += 1
        with self._changed:
            self._letters.append(Letter(event, endpoint, due_at=now))
            self._changed.notify_all()

    def take_due(self, now: int) -> Letter | None:
        """The first letter to send by `now`, taken out until it is given back or dropped."""
        with self._changed:
            for index, letter in enumerate(self._letters):
                if letter.is_due(now):
                    self._in_flight += 1
                    return self._letters.pop(index)
        return None

    def done(self, letter: Letter, attempt: DeliveryAttempt, *, now: int) -> None:
        """Notes the attempt; a failed letter comes back with a later time, until time runs out."""
        with self._changed:
            self.log.append(attempt)
            self._in_flight -= 1
            letter.attempts += 1
            if attempt.is_delivered:
                _acknowledge(letter)
            elif letter.attempts <= len(BACK_OFF):
                letter.due_at = now + BACK_OFF[letter.attempts - 1]
                letter.quickly_at = _quick_retry_at(letter.attempts)
                self._letters.append(letter)
            self._changed.notify_all()

    def next_due_at(self) -> int | None:
        with self._changed:
            return min((letter.due_at for letter in self._letters), default=None)

    def wait_for_work(self, seconds: float) -> None:
        """Until something changed, or that real time is over."""
        with self._changed:
            if not any(letter.attempts == 0 for letter in self._letters):
                self._changed.wait(seconds)

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def wait_until_tried(self, seconds: float) -> bool:
        """Whether every letter was tried at least once within that real time."""
        with self._changed:
            return self._changed.wait_for(self._all_tried, seconds)

    def drop_endpoint(self, endpoint_id: str) -> None:
        """Nothing more is sent to an endpoint that was deleted."""
        with self._changed:
            self._letters = [one for one in self._letters if one.endpoint["id"] != endpoint_id]

    def clear(self) -> None:
        with self._changed:
            self.log.clear()
            self._letters.clear()

    def _all_tried(self) -> bool:
        return not self._in_flight and all(letter.attempts for letter in self._letters)


def _acknowledge(letter: Letter) -> None:
    undelivered = letter.event["_undelivered"]
    if letter.endpoint["id"] in undelivered:
        undelivered.remove(letter.endpoint["id"])
    letter.event["pending_webhooks"] = len(undelivered)


def _quick_retry_at(attempts: int) -> float:
    if attempts > len(QUICK_RETRIES):
        return float("inf")
    return time.monotonic() + QUICK_RETRIES[attempts - 1]
