"""The `Stripe-Signature` header."""

import hashlib
import hmac


def header(body: bytes, *, secrets: list[str], timestamp: int) -> str:
    """One `v1` per secret in force: two while a roll's old one still lives."""
    parts = [f"t={timestamp}"]
    for secret in secrets:
        signed = f"{timestamp}.".encode() + body
        digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        parts.append(f"v1={digest}")
    return ",".join(parts)
