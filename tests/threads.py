"""Work that happens at the same time, as in two processes."""

import threading
from collections.abc import Callable

from django.db import connections

WAITS = 20  # seconds; what is waited for takes a fraction of one


def in_thread(work: Callable[[], object]) -> threading.Thread:
    """It runs already, on database connections of its own."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def at_once(*works: Callable[[], object]) -> None:
    """All of them begin together and are over on return."""
    together = threading.Barrier(len(works), timeout=WAITS)

    def begin(work: Callable[[], object]) -> None:
        together.wait()
        work()

    threads = [in_thread(lambda work=work: begin(work)) for work in works]  # type: ignore[misc]
    for thread in threads:
        thread.join(WAITS)
    assert not any(thread.is_alive() for thread in threads)
