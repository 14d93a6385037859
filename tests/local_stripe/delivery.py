"""Sends one webhook, to this machine and nowhere else."""

import http.client
import json
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from . import events, signatures
from .outbox import DeliveryAttempt, Letter
from .shapes import Object

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
TIMEOUT_SECONDS = 10


class NotOfThisMachineError(Exception):
    """The endpoint lies elsewhere: a stand-in never calls anyone off this machine."""


def attempt(
    letter: Letter, *, version: str, now: int, signing_time: Callable[[], float] = time.time
) -> DeliveryAttempt:
    """Posts the event, signed at this moment, and says what came of it."""
    payload = events.payload(letter.event, version)
    body = json.dumps(payload, indent=2).encode()
    signature = signatures.header(
        body, secrets=live_secrets(letter.endpoint, now), timestamp=int(signing_time())
    )
    status, error = None, None
    try:
        status = _post(letter.endpoint["url"], body, signature)
    except (OSError, http.client.HTTPException, NotOfThisMachineError) as failure:
        error = f"{type(failure).__name__}: {failure}"
    return DeliveryAttempt(
        event_id=letter.event["id"],
        event_type=letter.event["type"],
        endpoint_id=letter.endpoint["id"],
        url=letter.endpoint["url"],
        attempt=letter.attempts + 1,
        at=now,
        status=status,
        error=error,
        payload=payload,
        signature=signature,
    )


def live_secrets(endpoint: Object, now: int) -> list[str]:
    """The endpoint's secrets in force; a rolled one lives on for up to a day."""
    return [
        secret["value"]
        for secret in endpoint["_secrets"]
        if secret["expires_at"] is None or secret["expires_at"] > now
    ]


def _post(url: str, body: bytes, signature: str) -> int:
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in LOOPBACK:
        raise NotOfThisMachineError(f"{parts.scheme}://{parts.hostname} is not contacted")
    connection = http.client.HTTPConnection(
        parts.hostname, parts.port or 80, timeout=TIMEOUT_SECONDS
    )
    try:
        connection.request(
            "POST",
            parts.path + (f"?{parts.query}" if parts.query else ""),
            body,
            {
                "Content-Type": "application/json; charset=utf-8",
                "Stripe-Signature": signature,
                "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
                "Accept": "*/*; q=0.5, application/xml",
                "Cache-Control": "no-cache",
            },
        )
        response = connection.getresponse()
        response.read(65536)
        return response.status
    finally:
        connection.close()
