"""What mails said is kept for the merchant's days; that they were sent is kept for good."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from dunning.mail import messages
from recovery.models import Merchant

BATCH = 500  # rows that one statement holds, for a fraction of a second


def forgetful() -> QuerySet[Merchant]:
    """Whoever doesn't keep what mails said for good."""
    return Merchant.objects.filter(message_days__isnull=False).order_by("pk")


@transaction.atomic
def forget_contents(merchant: Merchant, *, now: datetime) -> int:
    """Forget the oldest contents that were kept for their days, a batch; how many there were.
    Messages that others hold are left to them."""
    # As it is now: whoever has just asked for more days means these too.
    days = Merchant.objects.values_list("message_days", flat=True).get(pk=merchant.pk)
    if days is None:
        return 0
    over = messages.with_contents(merchant, until=now - timedelta(days=days))
    batch = over.select_for_update(skip_locked=True, of=("self",)).order_by("claimed_at")[:BATCH]
    return messages.forget_contents(list(batch.values_list("pk", flat=True)), now=now)
