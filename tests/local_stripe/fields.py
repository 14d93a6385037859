"""Taking parameters over into objects."""

from collections.abc import Iterable
from typing import Any

from .shapes import Object, Params


def take(target: Object, params: Params, names: Iterable[str]) -> None:
    """Copies the parameters that were given; an emptied one unsets the field."""
    for name in names:
        if name in params:
            target[name] = params[name]


def take_metadata(target: Object, params: Params) -> None:
    """Metadata is merged key by key; an empty value removes its key, an empty map all of them."""
    if "metadata" not in params:
        return
    given: dict[str, Any] = params["metadata"] or {}
    merged = {**target["metadata"], **given} if params["metadata"] else {}
    target["metadata"] = {name: value for name, value in merged.items() if value != ""}


def metadata(params: Params) -> dict[str, Any]:
    return {name: value for name, value in (params.get("metadata") or {}).items() if value != ""}


def address(given: Object | None) -> Object | None:
    """An address with all of its fields."""
    if not given:
        return None
    names = ("city", "country", "line1", "line2", "postal_code", "state")
    return {**dict.fromkeys(names), **given}


def shipping(given: Object | None) -> Object | None:
    if not given:
        return None
    return {
        "carrier": None,
        "phone": None,
        "tracking_number": None,
        **given,
        "address": address(given.get("address")),
    }
