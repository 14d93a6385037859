"""What one process knows of the counters' store being out of order."""

from threading import Lock

LEAVES_ALONE = 5  # seconds: an outage that makes each request wait would be a second one
SAYS_AGAIN = 60  # seconds


class Outage:
    """Times are seconds of a clock that only goes forward."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._asked_again_at = self._said_again_at = float("-inf")

    def is_on(self, *, now: float) -> bool:
        """Whether the store failed a moment ago and is left alone."""
        return now < self._asked_again_at

    def failed(self, *, now: float) -> bool:
        """The store has failed. Whether that is to be said: once a minute."""
        with self._lock:
            self._asked_again_at = now + LEAVES_ALONE
            if now < self._said_again_at:
                return False
            self._said_again_at = now + SAYS_AGAIN
            return True
