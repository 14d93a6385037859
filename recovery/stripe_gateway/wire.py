"""One HTTP pool, short times, and named errors for whatever Stripe or the network answers."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import quote_plus

import stripe

from recovery.declines import Decline
from recovery.reading import node
from recovery.stripe_errors import (
    DeclinedError,
    MissingPermissionError,
    NotConnectedError,
    ObjectMissingError,
    RefusedError,
    StripeError,
    StripeUnavailableError,
    TooManyEndpointsError,
)
from recovery.stripe_gateway.connections import Connections
from recovery.stripe_objects import Charged, Failure, PaymentMethod

API_VERSION = "2026-10-28.endive"
CONNECT_SECONDS, READ_SECONDS = 3.05, 15
PAGE = 100

stripe.enable_telemetry = False


class Door:
    """What the parts of the gateway share: the SDK's client of one merchant, and what tells its
    key from others without being one."""

    _key: int
    _client: stripe.StripeClient

    def _read(self, kind: str, stripe_id: str = "", **asked: Any) -> dict[str, Any]:
        """An object, or a list of its kind, as Stripe's answer has it: of what is asked for each
        failed payment the SDK would make objects that are taken apart again at once."""
        path = f"/v1/{kind}/{quote_plus(stripe_id)}" if stripe_id else f"/v1/{kind}"
        with errors_named():
            answer = self._client.raw_request("get", path, **asked)
        return dict(node(answer.data))


@cache
def http() -> Connections:
    return Connections((CONNECT_SECONDS, READ_SECONDS))


def _word_in(message: str, pattern: str) -> str:
    found = re.search(pattern, message)
    return found.group() if found else ""


def _named(error: stripe.StripeError) -> StripeError:
    """Ours for theirs. The text is Stripe's, without the body that SDK errors carry along."""
    message = error.user_message or "Stripe gave no reason."
    code = getattr(error.error, "code", None) if error.error else None
    if isinstance(error, stripe.APIConnectionError | stripe.RateLimitError | stripe.APIError):
        return StripeUnavailableError(message)
    if isinstance(error, stripe.CardError):
        return DeclinedError(message, _declined(error))
    if isinstance(error, stripe.AuthenticationError):
        return NotConnectedError("Stripe doesn't accept the key.")
    if isinstance(error, stripe.PermissionError):
        return MissingPermissionError(
            _word_in(message, r"\brak_\w+"), account=_word_in(message, r"\bacct_\w+")
        )
    if isinstance(error, stripe.IdempotencyError) or code == "idempotency_key_in_use":
        return StripeUnavailableError(message)
    if error.http_status == 404 or code == "resource_missing":
        return ObjectMissingError(message)
    if re.search(r"maximum of \d+ .*webhook endpoints", message):
        return TooManyEndpointsError(
            "This Stripe account has no room for another webhook endpoint (16 per mode). Delete "
            "one that is no longer used in Stripe's dashboard, under Developers → Webhooks."
        )
    return RefusedError(message)


@contextmanager
def errors_named() -> Iterator[None]:
    try:
        yield
    except stripe.StripeError as error:
        raise _named(error) from None


def _declined(error: stripe.CardError) -> Charged:
    """Any 402. It carries the whole PaymentIntent, so no second question is needed."""
    body = node(error.json_body, "error")
    if error.code in {"invoice_payment_intent_requires_action", "payment_intent_action_required"}:
        return Charged("requires_action")
    intent = node(body, "payment_intent")
    failure = Failure.read(node(intent, "last_payment_error") or body, intent.get("latest_charge"))
    failure = failure or Failure(decline=Decline(), payment_method=PaymentMethod())
    return Charged("declined", failure, failure.charge_id)
