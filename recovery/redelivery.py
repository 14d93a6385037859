"""When a webhook that was not taken is sent again, and what counts as taken."""

from datetime import datetime, timedelta

# Three days, close together at first: a deployment takes minutes, a broken endpoint a working
# day. The gaps of the specification (https://www.standardwebhooks.com, "Retry schedule"), less
# its last day.
GAPS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=21),
)
MOST_JITTER = 0.1  # of a gap
# An endpoint that took nothing for so long is nobody's any more.
FAILING_TOO_LONG = timedelta(days=5)
GONE = 410  # "disable the endpoint": the same specification


def next_try(*, tries: int, now: datetime, jitter: float) -> datetime | None:
    """When to send again after `tries` tries, None to give up. `jitter` is in [0, 1): what failed
    together is not tried again together."""
    if tries > len(GAPS):
        return None
    return now + GAPS[tries - 1] * (1 + MOST_JITTER * jitter)


def is_taken(status: int | None) -> bool:
    """2xx and nothing else: a redirect is not followed (it may lead anywhere)."""
    return status is not None and 200 <= status < 300
