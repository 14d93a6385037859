"""The door for Stripe's events: verify, store once, commit, acknowledge."""

import json
import logging
import time

from django.conf import settings
from django.db import DatabaseError, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from recovery import clock, doors, inbox, tasks
from recovery.errors import error_response
from recovery.models import Merchant
from recovery.signatures import InvalidSignatureError, verify
from recovery.stripe_events import Event, UnreadableEventError

logger = logging.getLogger(__name__)

LARGEST_BODY = 1024 * 1024
MOST_DIGITS = 20
ACKNOWLEDGED = b'{"received": true}'
RETRY_AFTER_SECONDS = 30


@csrf_exempt
@require_POST
@transaction.non_atomic_requests
def receive(request: HttpRequest) -> JsonResponse:
    """POST /fourthngoal/recover/webhook (docs: the contract, section 2)."""
    length = announced(request.META.get("CONTENT_LENGTH") or "0")
    if length is None:
        return error_response(400, "invalid_length", "Content-Length is no number of bytes.")
    if length > LARGEST_BODY:
        return error_response(413, "too_large", "An event is at most 1 MiB.")
    try:
        take_in(
            request.body, header=request.headers.get("Stripe-Signature"),
            public_id=request.GET.get("m"),
        )  # fmt: skip
    except InvalidSignatureError as error:
        return error_response(400, "invalid_signature", str(error))
    except (UnreadableEventError, UnicodeDecodeError):
        return error_response(400, "not_an_event", "The body is signed, but not a JSON event.")
    except DatabaseError:
        logger.exception("An event could not be stored; Stripe will deliver it again.")
        response = error_response(503, "unavailable", "Not stored. Please deliver it again.")
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response
    return JsonResponse(json.loads(ACKNOWLEDGED))


def announced(content_length: str) -> int | None:
    """How many bytes are said to come, where that is a number of up to twenty digits: nobody who
    means it writes a longer one, whatever it begins with."""
    is_number = content_length.isascii() and content_length.isdecimal()
    return int(content_length) if is_number and len(content_length) <= MOST_DIGITS else None


def take_in(body: bytes, *, header: str | None, public_id: str | None) -> None:
    """Store what Stripe sends, once, and have it processed; `header` is its signature, `public_id`
    the merchant whom the URL names, if any.

    Raises InvalidSignatureError, UnreadableEventError, UnicodeDecodeError, DatabaseError.
    """
    now = clock.now()
    if public_id is None and _is_signed_for_platform(body, header, now.timestamp()):
        event = Event.parse(payload := body.decode("utf-8"))
        merchant = _connected_merchant(event)
    else:
        merchant = _signer(public_id or "", body, header, now.timestamp())
        event = Event.parse(payload := body.decode("utf-8"))
    if merchant is not None and inbox.is_for(merchant, event):
        inbox.store(merchant=merchant, event=event, payload=payload, now=now)
        tasks.poke_inbox()


def _signer(public_id: str, body: bytes, header: str | None, now: float) -> Merchant:
    """The merchant that the URL names or, where it names none, the only one there is. Raises
    InvalidSignatureError."""
    tick = time.monotonic()
    public_id = public_id[:40].replace("\x00", "?")  # nobody's either, and PostgreSQL can be asked
    door = doors.named(public_id, now=tick) if public_id else doors.only_one(now=tick)
    try:
        return _verified(door, body, header, now)
    except InvalidSignatureError:
        if door is None or door.read_at == tick:
            raise
        return _verified(doors.look(public_id, now=tick), body, header, now)


def _verified(door: doors.Door | None, body: bytes, header: str | None, now: float) -> Merchant:
    if door is None:
        raise InvalidSignatureError("No such endpoint is known.")
    verify(body=body, header=header, secrets=door.secrets, now=now)
    return door.merchant


def _is_signed_for_platform(body: bytes, header: str | None, now: float) -> bool:
    """Whether this came through the platform's Connect endpoint."""
    if not settings.STRIPE_CONNECT_WEBHOOK_SECRET:
        return False
    try:
        verify(body=body, header=header, now=now, secrets=[settings.STRIPE_CONNECT_WEBHOOK_SECRET])
    except InvalidSignatureError:
        return False
    return True


def _connected_merchant(event: Event) -> Merchant | None:
    """A Connect endpoint gets live and test events of all accounts; both modes may be ours."""
    if not event.account:
        return None
    connected = Merchant.objects.select_related("stripe").filter(stripe__account_id=event.account)
    return next((merchant for merchant in connected if inbox.is_for(merchant, event)), None)
