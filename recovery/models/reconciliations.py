from django.db import models
from django.db.models import Q

from recovery.models.base import Mutable, TenantOwned


class Coverage(TenantOwned, Mutable):
    """How far a merchant's Stripe has been gone through, and when it is gone through next.

    Written by recovery/reconciliation/ alone.
    """

    merchant = models.OneToOneField(
        "recovery.Merchant", on_delete=models.CASCADE, related_name="coverage"
    )
    # With another account, or in another mode, everything begins anew.
    account = models.CharField(max_length=300)
    due_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    asked_by = models.CharField(max_length=100, blank=True, default="")
    covered_until = models.DateTimeField(help_text="All that happened before is in the inbox.")
    # A list that is read from its newest end down, and how far.
    reading_until = models.DateTimeField(null=True, blank=True)
    read_down_to = models.CharField(max_length=255, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(reading_until__isnull=False) | Q(read_down_to=""),
                name="a_place_is_kept_only_in_a_list",
            )
        ]
        indexes = [models.Index(fields=["due_at"], name="reconciliations_due")]

    def __str__(self) -> str:
        return f"{self.merchant_id} until {self.covered_until}"


class Reconciliation(TenantOwned, Mutable):
    """One comparison of a merchant's rows with Stripe, and what it found and mended.

    Written by recovery/reconciliation/ alone.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    class EndpointState(models.TextChoices):
        NOT_ASKED = "not_asked", "not looked at"
        FINE = "fine", "as it should be"
        PLATFORMS = "platforms", "the platform's"
        BY_HAND = "by_hand", "made by hand"
        ENABLED = "enabled", "was disabled, is enabled again"
        CORRECTED = "corrected", "was changed, is corrected"
        MADE_ANEW = "made_anew", "was deleted, is made anew"
        LEFT = "left", "left to a person"

    MENDED = (EndpointState.ENABLED, EndpointState.CORRECTED, EndpointState.MADE_ANEW)

    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    asked_by = models.CharField(max_length=100, blank=True, default="")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    covered_from = models.DateTimeField(null=True, blank=True)
    covered_until = models.DateTimeField(null=True, blank=True)
    events_read = models.PositiveIntegerField(default=0)
    events_missed = models.PositiveIntegerField(default=0)
    missed_ids = models.JSONField(default=list, help_text="The first of them.")
    cases_opened = models.PositiveIntegerField(
        default=0, help_text="From what is owed, where Stripe no longer keeps the events."
    )
    cases_asked = models.PositiveIntegerField(default=0)
    cases_moved = models.PositiveIntegerField(default=0)
    moved_ids = models.JSONField(default=list, help_text="The first of them.")
    endpoint = models.CharField(
        max_length=10, choices=EndpointState.choices, default=EndpointState.NOT_ASKED
    )
    error = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant"],
                condition=Q(state="running"),
                name="one_reconciliation_runs_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(state="running", ended_at__isnull=True)
                | (~Q(state="running") & Q(ended_at__isnull=False)),
                name="ended_reconciliations_and_no_others_have_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="failed") | ~Q(error=""),
                name="failed_reconciliations_say_why",
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="reconciliations_newest_first"),
            models.Index(fields=["merchant", "began_at"], name="reconciliations_by_age"),
            models.Index(
                fields=["began_at"],
                condition=Q(events_missed__gt=0),
                name="reconciliations_that_found",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.began_at:%Y-%m-%d %H:%M} UTC"

    @property
    def has_drift(self) -> bool:
        """Whether anything wasn't as Stripe has it."""
        counts = (self.events_missed, self.cases_opened, self.cases_moved)
        return any(counts) or self.endpoint in self.MENDED
