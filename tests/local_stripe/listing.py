"""Lists: newest first, filtered, a page at a time."""

from collections.abc import Callable, Iterable
from typing import Any

from . import errors
from .routing import Call
from .shapes import Object

DEFAULT_LIMIT = 10
MAXIMUM_LIMIT = 100


def page(call: Call, objects: Iterable[Object], *, filters: Iterable[str] = ()) -> Object:
    """The page that was asked for; `filters` name the fields that must equal their parameter."""
    rows = [one for one in objects if _passes(one, call, filters)]
    rows.reverse()
    limit = _limit(call.params.get("limit"))
    rows, has_more = _window(rows, call, limit)
    return {"object": "list", "url": call.path, "has_more": has_more, "data": rows}


def whole(url: str, objects: list[Object]) -> Object:
    """A list within an object, complete."""
    return {"object": "list", "url": url, "has_more": False, "data": objects}


def _passes(one: Object, call: Call, filters: Iterable[str]) -> bool:
    wanted = ((name, call.params.get(name)) for name in filters)
    equal = all(value is None or one.get(name) == value for name, value in wanted)
    return equal and in_range(one["created"], call.params.get("created"))


def in_range(moment: int, asked: Any) -> bool:
    """`created=123` or `created[gte]=123`, as Stripe filters by time."""
    if asked is None:
        return True
    if not isinstance(asked, dict):
        return bool(moment == asked)
    return all(_COMPARISONS[name](moment, bound) for name, bound in asked.items())


_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda moment, bound: moment > bound,
    "gte": lambda moment, bound: moment >= bound,
    "lt": lambda moment, bound: moment < bound,
    "lte": lambda moment, bound: moment <= bound,
}


def _limit(asked: int | None) -> int:
    if asked is None:
        return DEFAULT_LIMIT
    if not 1 <= asked <= MAXIMUM_LIMIT:
        raise errors.bad_param("Limit must be between 1 and 100", param="limit")
    return asked


def _window(rows: list[Object], call: Call, limit: int) -> tuple[list[Object], bool]:
    after, before = call.params.get("starting_after"), call.params.get("ending_before")
    if after is not None:
        rows = rows[_position(rows, after, "starting_after") + 1 :]
    elif before is not None:
        earlier = rows[: _position(rows, before, "ending_before")]
        return earlier[-limit:], len(earlier) > limit
    return rows[:limit], len(rows) > limit


def _position(rows: list[Object], id_: str, param: str) -> int:
    for index, row in enumerate(rows):
        if row["id"] == id_:
            return index
    raise errors.resource_missing("object", id_, param=param, status=400)
