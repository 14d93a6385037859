"""Form-encoded nesting, as Stripe takes it: `a[b][0]=c`, `expand[]=d`."""

import re
from typing import Any
from urllib.parse import parse_qsl

from .shapes import Params

_PART = re.compile(r"\[([^\]]*)\]")


def decode(encoded: str) -> Params:
    """The nested parameters of a query string or a form body."""
    tree: Params = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        _place(tree, _keys(name), value)
    return {name: _with_lists(branch) for name, branch in tree.items()}


def _keys(name: str) -> list[str]:
    head, bracket, _ = name.partition("[")
    return [head, *_PART.findall(name[len(head) :])] if bracket else [head]


def _place(tree: Params, keys: list[str], value: str) -> None:
    for key in keys[:-1]:
        branch = tree.setdefault(_numbered(tree, key), {})
        if not isinstance(branch, dict):
            return
        tree = branch
    tree[_numbered(tree, keys[-1])] = value


def _numbered(tree: Params, key: str) -> str:
    """`[]` appends: it takes the next free number."""
    return key or str(len(tree))


def _with_lists(branch: Any) -> Any:
    if not isinstance(branch, dict):
        return branch
    parts = {key: _with_lists(value) for key, value in branch.items()}
    if parts and all(key.isdecimal() for key in parts):
        return [parts[key] for key in sorted(parts, key=int)]
    return parts
