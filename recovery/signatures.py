"""Stripe's signature on a webhook (https://docs.stripe.com/webhooks#verify-manually)."""

import hashlib
import hmac
from collections.abc import Iterable

TOLERANCE_SECONDS = 300
SCHEME = "v1"
# Far more than Stripe sends (one per live secret), and few enough to check in microseconds.
MOST_SIGNATURES = 20
LONGEST_TIMESTAMP = 15


class InvalidSignatureError(Exception):
    """The request isn't Stripe's, or is too old or too new to be believed."""


def verify(
    *,
    body: bytes,
    header: str | None,
    secrets: Iterable[str],
    now: float,
    tolerance: int = TOLERANCE_SECONDS,
) -> None:
    """Return if one of `secrets` signed `body` within `tolerance` seconds of `now`, both ways.

    `header` is the value of Stripe-Signature, `now` seconds since the epoch. Differs from the
    SDK's own where that is too trusting or falls over: a time stamp in the future is refused
    too, a body or header in any encoding is refused rather than crashed on, and there may be
    several secrets, as there are while one is rolled.

    Raises InvalidSignatureError.
    """
    timestamp, signatures = _read(header)
    usable = [secret.strip() for secret in secrets if secret.strip()]
    if not usable:
        raise InvalidSignatureError("No signing secret is known for this endpoint.")
    signed = b"%s.%s" % (timestamp.encode(), body)
    if not any(
        hmac.compare_digest(_signature(signed, secret), candidate)
        for secret in usable
        for candidate in signatures
    ):
        raise InvalidSignatureError("No signature matches this body.")
    if abs(now - int(timestamp)) > tolerance:
        raise InvalidSignatureError(f"The signature is more than {tolerance} s away from now.")


def sign(*, body: bytes, secret: str, timestamp: int) -> str:
    """The header that Stripe would send with `body`."""
    signature = _signature(b"%d.%s" % (timestamp, body), secret)
    return f"t={timestamp},{SCHEME}={signature.decode()}"


def _signature(signed: bytes, secret: str) -> bytes:
    key = secret.encode("utf-8", "surrogatepass")
    return hmac.new(key, signed, hashlib.sha256).hexdigest().encode()


def _read(header: str | None) -> tuple[str, list[bytes]]:
    """The time stamp, as the canonical digits that are signed, and the signatures."""
    items = [item.partition("=")[::2] for item in (header or "").split(",")]
    timestamps = [value for name, value in items if name == "t"]
    # Bytes, because compare_digest refuses to compare text that isn't ASCII.
    signatures = [value.encode("utf-8", "replace") for name, value in items if name == SCHEME]
    if not timestamps or not _is_timestamp(timestamps[0]):
        raise InvalidSignatureError("The Stripe-Signature header has no time stamp.")
    if not signatures:
        raise InvalidSignatureError("The Stripe-Signature header has no v1 signature.")
    return str(int(timestamps[0])), signatures[:MOST_SIGNATURES]


def _is_timestamp(value: str) -> bool:
    return len(value) <= LONGEST_TIMESTAMP and value.isascii() and value.isdigit()
