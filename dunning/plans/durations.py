"""Lengths of time as people write them: `3 days`, `1 day 12 hours`, `0`."""

import re
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

UNITS: Mapping[str, timedelta] = MappingProxyType(
    {
        "day": timedelta(days=1),
        "hour": timedelta(hours=1),
        "minute": timedelta(minutes=1),
        "second": timedelta(seconds=1),
    }
)
PART = re.compile(r"(\d{1,9})\s*(day|hour|minute|second)s?")
WHOLE = re.compile(rf"{PART.pattern}(\s+{PART.pattern})*")


class DurationError(ValueError):
    """The text names no length of time; the error says how one is written."""


def in_words(duration: timedelta) -> str:
    """In whole seconds: 36 hours → "1 day 12 hours", nothing → "0"."""
    left, parts = duration, []
    for name, unit in UNITS.items():
        count, left = divmod(left, unit)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    return " ".join(parts) or "0"


def parse(text: str) -> timedelta:
    """What in_words() writes, and any other mixture of the units. Raises DurationError."""
    text = text.strip()
    if text == "0":
        return timedelta(0)
    if not WHOLE.fullmatch(text):
        raise DurationError(f"{text!r} is no length of time: write 3 days, 1 day 12 hours, or 0.")
    try:
        return sum((int(count) * UNITS[unit] for count, unit in PART.findall(text)), timedelta(0))
    except OverflowError as error:
        raise DurationError(f"{text!r} is longer than anybody waits.") from error
