"""Requests under an Idempotency-Key: each runs once, and its answer is kept for a day.

As Stripe has it (docs.stripe.com/api/idempotent_requests), but that an answer which tells of our
own trouble (5xx) isn't kept: asked again, the use case below tells what became of it.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError

from recovery.models import IdempotentRequest, Merchant

KEPT_FOR = timedelta(hours=24)
# Longer than any request runs; the worker of an older claim is dead.
CLAIM = timedelta(minutes=2)
BATCH = 1000


class KeyReusedError(Exception):
    """This Idempotency-Key was used for another request: other path or other parameters."""


class KeyInUseError(Exception):
    """The first request with this Idempotency-Key still runs."""


def claim(
    *, merchant: Merchant, credential_kind: str, key: str, asked: str, now: datetime
) -> IdempotentRequest:
    """The request under `key`: with a `status` it has run, and that is its answer; without, the
    caller runs it and calls `keep` or `release`.

    `asked` is a digest of path and parameters. Raises KeyReusedError and KeyInUseError.
    """
    try:
        found, is_new = IdempotentRequest.objects.get_or_create(
            merchant=merchant, credential_kind=credential_kind, key=key,
            defaults={"asked": asked, "created_at": now, "claimed_at": now},
        )  # fmt: skip
    except IntegrityError:  # it was there, and released before it could be read
        raise KeyInUseError from None
    if is_new:
        return found
    if found.created_at + KEPT_FOR <= now:
        return _take_over(found, asked=asked, created_at=now, now=now)
    if found.asked != asked:
        raise KeyReusedError
    if found.status is not None:
        return found
    if found.claimed_at + CLAIM > now:
        raise KeyInUseError
    return _take_over(found, asked=asked, created_at=found.created_at, now=now)


def _take_over(
    found: IdempotentRequest, *, asked: str, created_at: datetime, now: datetime
) -> IdempotentRequest:
    """Of several who find it forgotten or its worker dead, one runs it."""
    fresh = {"asked": asked, "created_at": created_at, "claimed_at": now, "status": None}
    if not IdempotentRequest.objects.filter(**_as_claimed(found)).update(**fresh, body=""):
        raise KeyInUseError
    return IdempotentRequest.objects.get(pk=found.pk)


def keep(claimed: IdempotentRequest, *, status: int, body: str) -> None:
    """What it was answered, unless the claim ran out and somebody else runs it."""
    IdempotentRequest.objects.filter(**_as_claimed(claimed)).update(status=status, body=body)


def release(claimed: IdempotentRequest) -> None:
    """Nothing ran, or what ran may be asked for again: the key is as good as new."""
    IdempotentRequest.objects.filter(**_as_claimed(claimed), status=None).delete()


def _as_claimed(request: IdempotentRequest) -> dict[str, Any]:
    return {"pk": request.pk, "claimed_at": request.claimed_at}


def forget(*, now: datetime) -> int:
    """Drop what is older than a day, a batch at a time; how many there were."""
    old = IdempotentRequest.objects.filter(created_at__lte=now - KEPT_FOR).order_by("created_at")
    gone = list(old.values_list("pk", flat=True)[:BATCH])
    count, _by_model = IdempotentRequest.objects.filter(pk__in=gone).delete()
    return count
