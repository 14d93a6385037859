"""Refuses what Stripe would refuse in a request's parameters, and gives the rest their types.

`params.json` is made from Stripe's published API description; see make_params.py.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from . import errors
from .shapes import Params
from .versions import ENDIVE, is_before

# Removed with 2026-09-30.endive in favor of `allowed_payment_method_types`.
_REMOVED_IN_ENDIVE = {
    "POST /v1/payment_intents": {"payment_method_types"},
    "POST /v1/checkout/sessions": {"payment_method_types"},
}
_NAMES_OF_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads((Path(__file__).parent / "params.json").read_text())
    return table


def read(operation: str, given: Params, *, version: str) -> Params:
    """The typed parameters of `operation` ("POST /v1/customers"); raises ApiError."""
    known = _table().get(operation)
    if known is None:
        return given
    takes = dict(known["takes"])
    if not is_before(version, ENDIVE):
        for removed in _REMOVED_IN_ENDIVE.get(operation, ()):
            takes.pop(removed, None)
    typed = _object(given, takes, "")
    for name in known["required"]:
        if typed.get(name) is None:
            raise errors.missing_param(name)
    return typed


def _object(given: Params, takes: dict[str, Any], path: str) -> Params:
    typed: Params = {}
    for name, value in given.items():
        where = f"{path}[{name}]" if path else name
        if name not in takes or not name:
            raise errors.unknown_param(where)
        typed[name] = _value(value, takes[name], where)
    return typed


def _value(value: Any, shape: Any, where: str) -> Any:
    if value == "":
        return None
    if isinstance(shape, list):
        return _list(value, shape[0], where)
    if isinstance(shape, dict):
        return _structure(value, shape, where)
    return _scalar(value, shape, where)


def _list(value: Any, shape: Any, where: str) -> list[Any]:
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        raise errors.bad_param("Invalid array", param=where)
    return [_value(part, shape, f"{where}[{index}]") for index, part in enumerate(value)]


def _structure(value: Any, shape: dict[str, Any], where: str) -> Any:
    scalars = shape.get("", [])
    if isinstance(value, dict):
        return _object(value, shape, where)
    if not scalars:
        raise errors.bad_param("Invalid object", param=where)
    return _scalar(value, scalars[0], where)


def _scalar(value: Any, shape: str, where: str) -> Any:
    if shape == "any":
        return value
    if not isinstance(value, str):
        raise errors.bad_param(f"Invalid {shape.partition(':')[0]}", param=where)
    if shape == "integer":
        return _integer(value, where)
    if shape == "boolean":
        if value.lower() not in _NAMES_OF_BOOLEANS:
            raise errors.bad_param(f"Invalid boolean: {value}", param=where)
        return _NAMES_OF_BOOLEANS[value.lower()]
    if shape.startswith("enum:"):
        _check_choice(value, shape.removeprefix("enum:").split("|"), where)
    return value


def _integer(value: str, where: str) -> int:
    try:
        return int(value)
    except ValueError:
        message = f"Invalid integer: {value}"
        raise errors.bad_param(message, param=where, code="parameter_invalid_integer") from None


def _check_choice(value: str, choices: list[str], where: str) -> None:
    if value in choices:
        return
    *most, last = choices
    offered = f"{', '.join(most)}, or {last}" if most else last
    raise errors.bad_param(f"Invalid {where}: must be one of {offered}", param=where)
