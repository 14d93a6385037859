"""The door for Stripe's events: verify, store once, commit, acknowledge."""

import logging
from collections.abc import Iterable

from django.conf import settings
from django.db import DatabaseError, transaction
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from recovery import inbox, tasks
from recovery.errors import error_response
from recovery.models import Merchant, SigningSecret
from recovery.signatures import InvalidSignatureError, verify
from recovery.stripe_events import Event, UnreadableEventError

logger = logging.getLogger(__name__)

LARGEST_BODY = 1024 * 1024
RETRY_AFTER_SECONDS = 30


@csrf_exempt
@require_POST
@transaction.non_atomic_requests
def receive(request: HttpRequest) -> JsonResponse:
    """POST /fourthngoal/recover/webhook (docs: the contract, section 2)."""
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if not (announced.isascii() and announced.isdigit()):
        return error_response(400, "invalid_length", "Content-Length is no number of bytes.")
    if int(announced[:20]) > LARGEST_BODY:
        return error_response(413, "too_large", "An event is at most 1 MiB.")
    try:
        _receive(request)
    except InvalidSignatureError as error:
        return error_response(400, "invalid_signature", str(error))
    except (UnreadableEventError, UnicodeDecodeError):
        return error_response(400, "not_an_event", "The body is signed, but not a JSON event.")
    except DatabaseError:
        logger.exception("An event could not be stored; Stripe will deliver it again.")
        response = error_response(503, "unavailable", "Not stored. Please deliver it again.")
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response
    return JsonResponse({"received": True})


def _receive(request: HttpRequest) -> None:
    body = request.body
    merchant = _named_merchant(request.GET.get("m", ""))
    header = request.headers.get("Stripe-Signature")
    now = timezone.now()
    is_for_platform = "m" not in request.GET and _is_signed_for_platform(
        body, header, now.timestamp()
    )
    if not is_for_platform:
        verify(body=body, header=header, secrets=_secrets(merchant), now=now.timestamp())
    payload = body.decode("utf-8")
    event = Event.parse(payload)
    if is_for_platform:
        merchant = _connected_merchant(event)
    if merchant is not None and inbox.is_for(merchant, event):
        inbox.store(merchant=merchant, event=event, payload=payload, now=now)
        tasks.poke_inbox()


def _named_merchant(public_id: str) -> Merchant | None:
    """The merchant that the URL names or, where it names none, the only one there is."""
    merchants = Merchant.objects.select_related("stripe")
    if public_id:
        return merchants.filter(public_id=public_id[:40].replace("\x00", "")).first()
    first_two = list(merchants[:2])
    return first_two[0] if len(first_two) == 1 else None


def _secrets(merchant: Merchant | None) -> Iterable[str]:
    if merchant is None:
        return []
    return [row.secret for row in SigningSecret.objects.of(merchant).order_by("-id")]


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
