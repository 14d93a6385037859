"""Our JWTs: each kind with an audience and a signing key of its own, so that none is another."""

import re
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import Token

from recovery import clock
from recovery.derived_keys import derive

ALGORITHM = "HS256"  # of ours, whatever a token says
SHAPE = re.compile(r"[A-Za-z0-9_-]{1,100}\.[A-Za-z0-9_-]{1,1000}\.[A-Za-z0-9_-]{1,100}")
CLOCKS_APART = timedelta(seconds=5)  # two of our machines, at most


class OurToken(Token):
    """simplejwt reads a token's own times (`exp`, `iat`, `nbf`) by the machine's clock; a row
    behind each token says what holds beyond that."""

    audience: ClassVar[str]

    def get_token_backend(self) -> TokenBackend:
        key = derive(settings.SECRET_KEY, purpose=self.audience)
        leeway = CLOCKS_APART + clock.apart()
        return TokenBackend(ALGORITHM, key.hex(), audience=self.audience, leeway=leeway)

    @classmethod
    def issue(cls, *, now: datetime, lifetime: timedelta, **claims: Any) -> str:
        token = cls()
        token.set_iat(at_time=now)
        token.set_exp(from_time=now, lifetime=lifetime)
        for name, value in claims.items():
            token[name] = value
        return str(token)

    @classmethod
    def read(cls, shown: str) -> Self | None:
        """What a text says that we signed as this kind and that hasn't ended; None for any other.

        One that can't be ours is not even parsed.
        """
        if not SHAPE.fullmatch(shown):
            return None
        try:
            return cls(shown)  # type: ignore[arg-type]  # the text of one
        except TokenError:
            return None


class ApiToken(OurToken):
    """An API key."""

    token_type = "api"  # noqa: S105 - the name of a kind
    audience = "recover-api"
    lifetime = timedelta(days=365)


class AccessToken(OurToken):
    token_type = "access"  # noqa: S105 - the name of a kind
    audience = "recover-access"
    lifetime = timedelta(minutes=15)


class RefreshToken(OurToken):
    token_type = "refresh"  # noqa: S105 - the name of a kind
    audience = "recover-refresh"
    lifetime = timedelta(days=14)
