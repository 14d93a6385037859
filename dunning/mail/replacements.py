"""New links for customers who asked for one on an expired page."""

from datetime import datetime

from django.db import transaction

from billing_portal import links
from billing_portal.models import PaymentUpdateLink
from dunning.models import DunningMessage
from recovery.batches import apart, pages

BATCH = 100


def queue(*, now: datetime) -> list[int]:
    """Queue one message for each link that was asked to be replaced; returns their ids."""
    asked = PaymentUpdateLink.objects.filter(
        replacement_requested_at__isnull=False, replaced_at=None
    )
    queued: list[int] = []
    for waiting in pages(asked, size=BATCH):
        with apart(f"Link {waiting.public_id}"), transaction.atomic():
            link = asked.select_for_update(skip_locked=True).filter(pk=waiting.pk).first()
            if link is not None:
                queued.append(_replace(link, now=now))
    return queued


def _replace(link: PaymentUpdateLink, *, now: datetime) -> int:
    message, _created = DunningMessage.objects.get_or_create(
        expired_link=link,
        defaults={"merchant_id": link.merchant_id, "case_id": link.case_id, "due_at": now},
    )
    links.replaced(link, now=now)
    return message.pk
