"""Who calls the JSON API: for which merchant, by which credential, and what that may do."""

import enum
from dataclasses import dataclass

from recovery.models import Merchant


class Scope(enum.StrEnum):
    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Client:
    """`credential` names the key that was shown without being it ("api_key:key_7m2k…"): requests
    are counted by it, and the timeline says with it who acted."""

    merchant: Merchant
    credential: str
    scopes: frozenset[Scope]
