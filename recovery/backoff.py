"""How long to wait before trying again."""

from datetime import timedelta

FIRST = timedelta(seconds=5)
LONGEST = timedelta(hours=6)
MOST_DOUBLINGS = 20


def pause(tries: int, *, first: timedelta = FIRST, longest: timedelta = LONGEST) -> timedelta:
    """Twice as long after each of `tries`, from twice `first` to `longest`."""
    return min(first * (1 << min(tries, MOST_DOUBLINGS)), longest)
