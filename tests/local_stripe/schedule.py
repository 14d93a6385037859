"""What is to happen at a later time: renewals, finalizations, retries."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

Job = Callable[[], None]


@dataclass
class Schedule:
    """Jobs in the order they fall due. A job looks again whether it still has anything to do."""

    _heap: list[tuple[int, int, Job]] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def at(self, due_at: int, job: Job) -> None:
        heapq.heappush(self._heap, (due_at, next(self._numbers), job))

    def next_due_at(self) -> int | None:
        return self._heap[0][0] if self._heap else None

    def take_due(self, now: int) -> tuple[int, Job] | None:
        """The earliest job due by `now` with its time, taken off the schedule."""
        if not self._heap or self._heap[0][0] > now:
            return None
        due_at, _, job = heapq.heappop(self._heap)
        return due_at, job
