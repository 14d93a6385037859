"""Addresses as they may be shown."""

import re
from collections.abc import Mapping
from typing import Any

SHOWN = 2
# A file at a commit, by which a rule's source is named, is no address.
COMMIT = r"[0-9a-f]{7}(?![\w.-]*[\w-])"
# What is masked already ends in a star before its @.
ADDRESS = re.compile(rf"[^\s@<>(),;:*\"'“”]+@(?!{COMMIT})[^\s@<>(),;:\"'“”]+")


def mask_email(email: str) -> str:
    """`maria@gmail.com` → `ma***@gmail.com`; a local part of one or two characters shows one.

    An empty string stays empty; what has no @ is masked whole.
    """
    local, at, domain = email.rpartition("@")
    if not at:
        return "***" if email else ""
    shown = local[:SHOWN] if len(local) > SHOWN else local[:1]
    return f"{shown}***@{domain}"


def mask_within(value: Any) -> Any:
    """Every address masked in what JSON can hold: a text, and all that lists and objects hold."""
    if isinstance(value, str):
        return ADDRESS.sub(lambda found: mask_email(found.group()), value)
    if isinstance(value, Mapping):
        return {key: mask_within(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [mask_within(inner) for inner in value]
    return value
