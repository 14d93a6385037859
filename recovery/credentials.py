"""Our own keys: made here, shown once, kept as digests."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import Token

from recovery.models import ApiKey, InternalKey, Merchant

API_KEY_LIFETIME = timedelta(days=365)
AUDIENCE = "recover-api"


def digest(key: str) -> str:
    """Our keys are random and long, so a plain hash of one can't be guessed back."""
    return hashlib.sha256(key.encode()).hexdigest()


def new_internal_key(*, merchant: Merchant) -> str:
    """A key for X-Internal-Key; only the caller ever sees it."""
    key = f"rik_{secrets.token_urlsafe(32)}"
    InternalKey.objects.create(merchant=merchant, digest=digest(key), hint=key[-4:])
    return key


def internal_key(shown: str, *, now: datetime) -> InternalKey | None:
    """The key that was shown, None for one that is unknown or has ended."""
    found = InternalKey.objects.filter(digest=digest(shown)).select_related("merchant__stripe")
    key = found.first()
    return None if key is None or (key.expires_at and key.expires_at <= now) else key


class ApiToken(Token):
    """The JWT of an API key; its audience keeps it from being anything else."""

    token_type = "api"  # noqa: S105 - the name of a kind
    lifetime = API_KEY_LIFETIME

    def get_token_backend(self) -> TokenBackend:
        return TokenBackend("HS256", settings.SECRET_KEY, audience=AUDIENCE)


def new_api_key(*, merchant: Merchant, name: str, now: datetime) -> str:
    """A long-lived JWT for the JSON API; the row behind it makes it revocable."""
    row = ApiKey.objects.create(merchant=merchant, name=name, expires_at=now + API_KEY_LIFETIME)
    token = ApiToken()
    token["kid"] = row.key_id
    return str(token)


def api_key(shown: str, *, now: datetime) -> ApiKey | None:
    """The key that was shown, None for what is none of ours, was revoked or has ended."""
    try:
        token = ApiToken(shown)  # type: ignore[arg-type]  # the text of one
    except TokenError:
        return None
    found = ApiKey.objects.filter(key_id=token.get("kid", "")).select_related("merchant__stripe")
    return found.filter(revoked_at=None, expires_at__gt=now).first()
