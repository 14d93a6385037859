"""What somebody may show who has no key, or one for something else."""

import base64
import hmac
import json
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from billing_portal import tokens
from billing_portal.tokens import Purpose
from recovery import credentials
from recovery.derived_keys import derive
from recovery.models import ApiKey, Merchant
from recovery.scopes import EVERYTHING, Scopes

HS256 = {"alg": "HS256", "typ": "JWT"}


def part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def our_key(audience: str = "recover-api") -> bytes:
    return derive(settings.SECRET_KEY, purpose=audience).hex().encode()


def token(
    claims: dict[str, Any] | bytes,
    *,
    header: dict[str, Any] | bytes = HS256,
    key: bytes | None = None,
    digest: str = "sha256",
) -> str:
    """A JWT of these claims with an HMAC, ours unless there is another `key`."""
    parts = [
        part(each if isinstance(each, bytes) else json.dumps(each).encode())
        for each in (header, claims)
    ]
    signed = ".".join(parts)
    return f"{signed}.{part(hmac.new(key or our_key(), signed.encode(), digest).digest())}"


def claims(merchant: Merchant, **others: Any) -> dict[str, Any]:
    """Those of the merchant's API key; None leaves one out."""
    row, now = ApiKey.objects.of(merchant).latest("id"), timezone.now()
    said = {
        "aud": "recover-api", "token_type": "api", "jti": "x", "kid": row.key_id,
        "merchant": merchant.public_id, "scopes": row.scopes, "iat": int(now.timestamp()),
        "exp": int((now + timedelta(days=1)).timestamp()), **others,
    }  # fmt: skip
    return {name: value for name, value in said.items() if value is not None}


def link_token(merchant: Merchant, purpose: Purpose) -> str:
    return tokens.issue(
        link_id=ApiKey.objects.of(merchant).latest("id").key_id, purpose=purpose,
        secret=settings.SECRET_KEY, now=timezone.now(), lifetime=timedelta(days=7),
    )  # fmt: skip


def resigned(shown: str, **others: Any) -> str:
    """A token with other claims under its old signature."""
    header, payload, signature = shown.split(".")
    said = json.loads(base64.urlsafe_b64decode(payload + "==")) | others
    return f"{header}.{part(json.dumps(said).encode())}.{signature}"


def api_key(merchant: Merchant, scopes: Scopes = EVERYTHING) -> str:
    return credentials.new_api_key(
        merchant=merchant, name="nightly import", now=timezone.now(), scopes=scopes
    )


def revoked(merchant: Merchant) -> str:
    key = api_key(merchant)
    row = ApiKey.objects.of(merchant).latest("id")
    credentials.revoke_api_key(key=row, now=timezone.now())
    return key
