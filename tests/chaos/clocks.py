"""A process whose clock is wrong."""

from datetime import datetime, timedelta

from django.utils import timezone

_right = timezone.now
_ahead = timedelta(0)


def turn(seconds: float) -> None:
    """What the product's edges read is so many seconds further ahead from now on."""
    global _ahead  # noqa: PLW0603 - a process has one clock
    _ahead += timedelta(seconds=seconds)
    timezone.now = _wrong


def ahead() -> float:
    """Seconds, all in all."""
    return _ahead.total_seconds()


def _wrong() -> datetime:
    return _right() + _ahead
