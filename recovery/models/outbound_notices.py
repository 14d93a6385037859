from functools import partial

from django.db import models
from django.db.models import Q

from recovery.models.base import Mutable, TenantOwned, new_public_id
from recovery.models.cases import RecoveryCase


class OutboundNotice(TenantOwned, Mutable):
    """One thing that happened and that somebody registered for. Written by recovery/outbound.py
    alone: first with what happened, in its transaction, and a moment later, published, with its
    number and its text."""

    public_id = models.CharField(
        max_length=40, unique=True, editable=False, default=partial(new_public_id, "notice")
    )
    case = models.ForeignKey(
        RecoveryCase, null=True, blank=True, on_delete=models.CASCADE, related_name="notices"
    )
    type = models.CharField(max_length=30)
    data = models.JSONField()
    # The same cause is told once, however often it is heard.
    once = models.CharField(max_length=300)
    happened_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True)
    sequence = models.PositiveIntegerField(null=True, blank=True)
    # Text, not JSON: the very characters that are signed, each time they are sent.
    payload = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case", "type", "once"], name="one_notice_per_case_and_cause"
            ),
            models.UniqueConstraint(
                fields=["merchant", "type", "once"],
                condition=Q(case__isnull=True),
                name="one_notice_without_case_per_cause",
            ),
            models.UniqueConstraint(
                fields=["case", "sequence"], name="one_notice_per_case_and_sequence"
            ),
            models.CheckConstraint(
                condition=Q(published_at__isnull=True, payload="", sequence__isnull=True)
                | (Q(published_at__isnull=False) & ~Q(payload="")),
                name="published_notices_have_a_text",
            ),
            models.CheckConstraint(
                condition=Q(published_at__isnull=True)
                | Q(case__isnull=True, sequence__isnull=True)
                | Q(case__isnull=False, sequence__isnull=False),
                name="published_notices_of_cases_are_numbered",
            ),
        ]
        indexes = [
            models.Index(
                fields=["case", "id"],
                condition=Q(published_at__isnull=True),
                name="notices_to_publish",
            )
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"
