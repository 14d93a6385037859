"""The JWT in a payment-update link, and the one that brings the customer back."""

import enum
import hashlib
from datetime import datetime, timedelta

import jwt

from recovery.derived_keys import derive

ALGORITHM = "HS256"


class Purpose(enum.StrEnum):
    """What a token is good for, and nothing else (its audience)."""

    UPDATE = "update"
    RETURN = "return"
    UNSUBSCRIBE = "unsubscribe"  # its "link" is a message


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
    """A token for one link, as short as a JWT can be."""
    claims = {"jti": link_id, "aud": purpose.value, "exp": int((now + lifetime).timestamp())}
    return jwt.encode(claims, _key(secret), algorithm=ALGORITHM)


def read(token: str, *, purpose: Purpose, secret: str, now: datetime) -> str:
    """The link's id. Raises ForgedTokenError, ExpiredTokenError."""
    try:
        claims = jwt.decode(
            token, _key(secret), algorithms=[ALGORITHM], audience=purpose.value,
            options={"require": ["jti", "aud", "exp"], "verify_exp": False},
        )  # fmt: skip
        link_id, expires = str(claims["jti"]), int(claims["exp"])
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError) as error:
        raise ForgedTokenError(str(error)) from None
    if now.timestamp() >= expires:
        raise ExpiredTokenError(link_id)
    return link_id


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _key(secret: str) -> bytes:
    """A key of its own: what is signed elsewhere with the same secret is no link."""
    return derive(secret, purpose="recover payment update link")
