"""Which account a secret key belongs to, and in which mode it acts."""

import re
from dataclasses import dataclass

_KEY = re.compile(r"(?:sk|rk)_(test|live)_([A-Za-z0-9_]{1,200})")


@dataclass(frozen=True)
class KeyReading:
    livemode: bool
    tail: str


@dataclass
class Account:
    """One Stripe account. `platform` is the account that it is connected to."""

    id: str
    api_version: str
    platform: str | None = None
    name: str = "Example Inc."
    email: str = "owner@example.com"
    country: str = "US"
    default_currency: str = "usd"


def read_key(key: str) -> KeyReading | None:
    """None for what is no secret or restricted key; keys alike after the mode share an account."""
    match = _KEY.fullmatch(key)
    return KeyReading(livemode=match[1] == "live", tail=match[2]) if match else None
