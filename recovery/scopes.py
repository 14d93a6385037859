"""What a credential of the JSON API may do: look, or look and act."""

import enum
from collections.abc import Mapping
from types import MappingProxyType


class Scope(enum.StrEnum):
    READ = "read"
    WRITE = "write"


Scopes = frozenset[Scope]
ONLY_READING: Scopes = frozenset({Scope.READ})
EVERYTHING: Scopes = frozenset(Scope)
# Who may write may read: a client that can't see what it changes is of no use.
SPELLINGS: Mapping[str, Scopes] = MappingProxyType(
    {"read": ONLY_READING, "read write": EVERYTHING}  # RFC 6749, section 3.3
)
OF_ROLE: Mapping[str, Scopes] = MappingProxyType(
    {"viewer": ONLY_READING, "operator": EVERYTHING, "owner": EVERYTHING}
)


def spell(scopes: Scopes) -> str:
    """`read` or `read write`. Raises KeyError for what can't be had alone."""
    return {scopes: spelling for spelling, scopes in SPELLINGS.items()}[scopes]


def in_order(scopes: Scopes) -> list[str]:
    return [str(scope) for scope in Scope if scope in scopes]
