"""Our own keys: made here, shown once, kept as digests."""

import hashlib
import secrets
from datetime import datetime, timedelta

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
    """The key that is shown, with its merchant; None for one that is unknown or has ended."""
    found = (
        InternalKey.objects.filter(digest=digest(shown)).select_related("merchant__stripe").first()
    )
    if found is None or (found.expires_at and found.expires_at <= now):
        return None
    return found


class ApiToken(Token):
    """The JWT of an API key; its audience keeps it from being anything else."""

    token_type = "api"  # noqa: S105 - the name of a kind
    lifetime = API_KEY_LIFETIME


def new_api_key(*, merchant: Merchant, name: str, now: datetime) -> str:
    """A long-lived JWT for the JSON API; the row behind it makes it revocable."""
    row = ApiKey.objects.create(merchant=merchant, name=name, expires_at=now + API_KEY_LIFETIME)
    token = ApiToken()
    token["aud"] = AUDIENCE
    token["kid"] = row.key_id
    return str(token)
