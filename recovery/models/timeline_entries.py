from django.db import models

from recovery.models.base import AppendOnly, TenantOwned
from recovery.models.cases import RecoveryCase


class TimelineEntry(TenantOwned, AppendOnly):
    """One thing done, or deliberately not done, on a case: when, by whom, why, from what."""

    case = models.ForeignKey(RecoveryCase, on_delete=models.CASCADE, related_name="timeline")
    at = models.DateTimeField()
    actor = models.CharField(max_length=100, help_text="stripe, recover, customer, or a user.")
    kind = models.CharField(max_length=40)
    summary = models.CharField(max_length=500)
    rule = models.CharField(max_length=200, blank=True, default="")
    source = models.TextField(blank=True, default="")
    facts = models.JSONField(default=dict)
    # The same cause tells its story once, however often it is heard.
    once = models.CharField(max_length=300)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "once"], name="one_entry_per_cause")
        ]
        indexes = [models.Index(fields=["case", "at", "id"], name="timeline_in_order")]
        verbose_name_plural = "timeline entries"

    def __str__(self) -> str:
        return self.summary
