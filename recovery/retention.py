"""What Stripe's events said is kept for the merchant's days; that they came is kept for good
(docs/adr/0022-payloads-are-kept-for-days.md)."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import OuterRef, Subquery

from recovery.models import Merchant, StripeEvent
from recovery.models.base import TenantQuerySet

BATCH = 500  # rows that one statement holds, for a fraction of a second


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


def _payloads() -> TenantQuerySet[StripeEvent]:
    """Those that may be forgotten: what waits or was given up may still be processed."""
    return StripeEvent.objects.filter(
        state=StripeEvent.State.PROCESSED, payload_forgotten_at__isnull=True
    )


def _until(days: int, *, now: datetime) -> datetime:
    return now - timedelta(days=days)
