"""The JWT in a payment-update link, and the one that brings the customer back."""

import enum
import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

import jwt

from recovery.derived_keys import derive

ALGORITHM = "HS256"


class Purpose(enum.StrEnum):
    """What a token is good for, and nothing else: each has a key of its own."""

    UPDATE = "update"
    RETURN = "return"
    UNSUBSCRIBE = "unsubscribe"  # its "link" is a message


# The purpose tells what kind of id a token has, so that the kind need not travel with it.
KINDS: Mapping[Purpose, str] = MappingProxyType(
    {Purpose.UPDATE: "pul_", Purpose.RETURN: "pul_", Purpose.UNSUBSCRIBE: "msg_"}
)


class ForgedTokenError(Exception):
    """Not a token of ours, or one for another purpose."""


class ExpiredTokenError(Exception):
    """Ours, but past its time; `link_id` tells which it was."""

    def __init__(self, link_id: str) -> None:
        super().__init__(link_id)
        self.link_id = link_id


def issue(
    *, link_id: str, purpose: Purpose, secret: str, now: datetime, lifetime: timedelta
) -> str:
    """A token for one link, as short as a JWT can be (docs/adr/0012-short-tokens.md)."""
    claims = {
        "jti": link_id.removeprefix(KINDS[purpose]),
        "exp": int((now + lifetime).timestamp()),
    }
    # An empty `typ` is left out of the header.
    headers = {"typ": ""}
    return jwt.encode(claims, _key(secret, purpose), algorithm=ALGORITHM, headers=headers)


def read(token: str, *, purpose: Purpose, secret: str, now: datetime) -> str:
    """The link's id. Raises ForgedTokenError, ExpiredTokenError."""
    try:
        claims = jwt.decode(
            token, _key(secret, purpose), algorithms=[ALGORITHM],
            options={"require": ["jti", "exp"], "verify_exp": False},
        )  # fmt: skip
        link_id, expires = f"{KINDS[purpose]}{claims['jti']}", int(claims["exp"])
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError) as error:
        raise ForgedTokenError(str(error)) from None
    if now.timestamp() >= expires:
        raise ExpiredTokenError(link_id)
    return link_id


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _key(secret: str, purpose: Purpose) -> bytes:
    """What is signed elsewhere with the same secret, or for another purpose, is no such token."""
    return derive(secret, purpose=f"recover payment update link: {purpose}")
