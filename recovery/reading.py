"""Reading JSON from outside: the wrong type counts as absent, what can't be kept is refused."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

Node = Mapping[str, Any]
NOTHING: Node = MappingProxyType({})
# No debt is as large, and nine thousand of them still add up within the 64 bits that a database
# sums in.
LARGEST = 10**15
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
# PostgreSQL refuses NUL in text, and no database takes half a surrogate pair.
UNSTORABLE = {0: None} | dict.fromkeys(range(0xD800, 0xE000), "�")


class UnreadablePayloadError(ValueError):
    """The payload says something that can't be kept without changing it."""


def text(value: object, *, longest: int = 500) -> str:
    """`value` as storable text of at most `longest` characters; "" if it is no string."""
    return value.translate(UNSTORABLE)[:longest] if isinstance(value, str) else ""


def whole(value: object, *, name: str) -> int | None:
    """An integer, minor units of money as a rule, or None if it is no integer.

    Raises UnreadablePayloadError past LARGEST: an amount may be absent, but never be changed.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    if abs(value) > LARGEST:
        raise UnreadablePayloadError(f"{name} is larger than any amount can be ({LARGEST:,})")
    return value


def moment(value: object) -> datetime | None:
    """Seconds since the epoch as a time, or None if it is none that Stripe can mean.

    Nothing of Stripe's happened before 2000 or will before 2100, and what reckons with times
    (a step's delay, a day in another zone) would leave the calendar at its ends.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    in_bounds = EARLIEST.timestamp() <= value <= LATEST.timestamp()
    return datetime.fromtimestamp(value, tz=UTC) if in_bounds else None


def node(value: object, *path: str) -> Node:
    """The object at `path` below `value`; an empty one where there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else NOTHING


def livemode(value: Node) -> bool | None:
    """Whether one of Stripe's objects is of its live mode; None where it doesn't tell."""
    told = value.get("livemode")
    return told if isinstance(told, bool) else None


def items(value: object) -> list[Node]:
    """The objects in a list, or in the `data` of one of Stripe's list envelopes."""
    found = value.get("data") if isinstance(value, Mapping) else value
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def id_of(value: object) -> str:
    """The id in a field that Stripe fills with an id or, expanded, with the object itself."""
    if isinstance(value, Mapping):
        value = value.get("id")
    return text(value, longest=255)
