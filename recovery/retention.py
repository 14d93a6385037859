"""What Stripe's events said is kept for the merchant's days; that they came is kept for good
(docs/adr/0022-payloads-are-kept-for-days.md)."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, Subquery

from recovery import clock
from recovery.batches import apart
from recovery.models import Merchant, StripeEvent
from recovery.models.base import TenantQuerySet

GIVEN_UP = "Given up, and forgotten with the person that it tells of."
BATCH = 500  # rows that one statement holds, for a fraction of a second
FORGETTING = timedelta(seconds=50)  # then the next hour goes on


def in_turn(
    merchants: Iterable[Merchant], forget: Callable[[Merchant], int], *, size: int, until: datetime
) -> None:
    """A batch of each merchant in turn: one with years to forget keeps nobody else waiting. Who
    forgot fewer rows than a batch of `size` has no more."""
    waiting = deque(merchants)
    while waiting and clock.now() < until:
        merchant = waiting.popleft()
        with apart(f"Merchant {merchant.public_id}"):
            if forget(merchant) == size:
                waiting.append(merchant)


def overdue(*, now: datetime) -> list[Merchant]:
    """Who has payloads that were kept for their days, the longest overdue first. One look at an
    index for each merchant, however many events there are."""
    oldest = _payloads().filter(merchant=OuterRef("pk")).order_by("received_at")
    merchants = Merchant.objects.annotate(oldest=Subquery(oldest.values("received_at")[:1]))
    late = [
        (merchant.oldest - until, merchant)
        for merchant in merchants
        if merchant.oldest and merchant.oldest <= (until := _until(merchant.payload_days, now=now))
    ]
    return [merchant for _late, merchant in sorted(late, key=lambda one: one[0])]


@transaction.atomic
def forget_payloads(merchant: Merchant, *, now: datetime) -> int:
    """Forget the oldest payloads that were kept for their days, a batch; how many there were.
    Events that others hold are left to them."""
    # As it is now: whoever has just asked for more days means these too.
    days = Merchant.objects.values_list("payload_days", flat=True).get(pk=merchant.pk)
    over = _payloads().of(merchant).filter(received_at__lte=_until(days, now=now))
    batch = over.select_for_update(skip_locked=True).order_by("received_at")[:BATCH]
    ids = list(batch.values_list("pk", flat=True))
    return StripeEvent.objects.filter(pk__in=ids).update(payload="", payload_forgotten_at=now)


def forget_about(merchant: Merchant, stripe_ids: Collection[str], *, now: datetime) -> None:
    """Forget what was said of an erased person: events that concern one of these ids. What waits
    is forgotten once it is processed (inbox.processed)."""
    _forget_for_good(StripeEvent.objects.of(merchant).filter(concerns__in=stripe_ids), now=now)


def forget_naming(
    merchant: Merchant, is_named: Callable[[str], bool], *, after: int, until: datetime,
    now: datetime,
) -> int | None:  # fmt: skip
    """The same for a batch of all the merchant's events that came after the one with an id, until
    a moment, by what their payloads say; the id of its last, None: there are no more."""
    told = StripeEvent.objects.of(merchant).filter(
        pk__gt=after, received_at__lte=until, payload_forgotten_at=None
    )
    batch = list(told.order_by("pk").values_list("pk", "payload")[:BATCH])
    named = [pk for pk, payload in batch if is_named(payload)]
    _forget_for_good(StripeEvent.objects.filter(pk__in=named), now=now)
    return batch[-1][0] if batch else None


def _forget_for_good(told: TenantQuerySet[StripeEvent], *, now: datetime) -> None:
    """What was given up isn't tried again."""
    told = told.filter(payload_forgotten_at=None)
    gone: Mapping[str, Any] = {"payload": "", "payload_forgotten_at": now}
    told.filter(state=StripeEvent.State.FAILED).update(
        state=StripeEvent.State.PROCESSED, processed_at=now, error=GIVEN_UP, **gone
    )
    told.filter(state=StripeEvent.State.PROCESSED).update(**gone)


def _payloads() -> TenantQuerySet[StripeEvent]:
    """Those that may be forgotten: what waits or was given up may still be processed."""
    return StripeEvent.objects.filter(
        state=StripeEvent.State.PROCESSED, payload_forgotten_at__isnull=True
    )


def _until(days: int, *, now: datetime) -> datetime:
    return now - timedelta(days=days)
