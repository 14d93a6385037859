from django.db import models
from django.db.models import Q

from dunning.models.campaigns import DunningCampaign
from recovery.models import RecoveryCase
from recovery.models.base import Mutable, TenantListed


class DunningRun(TenantListed, Mutable):
    """One campaign version working one case. Written by dunning/runs.py alone."""

    class State(models.TextChoices):
        LIVE = "live"
        FINISHED = "finished"  # every step was taken
        STOPPED = "stopped"  # the case closed first

    case = models.ForeignKey(RecoveryCase, on_delete=models.CASCADE, related_name="runs")
    campaign = models.ForeignKey(DunningCampaign, on_delete=models.RESTRICT, related_name="runs")
    state = models.CharField(max_length=10, choices=State.choices, default=State.LIVE)
    next_position = models.PositiveSmallIntegerField(default=1)
    due_at = models.DateTimeField(null=True, blank=True, help_text="When the next step is due.")
    stepped_at = models.DateTimeField(
        null=True, blank=True, help_text="When the last step was taken."
    )
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=100, blank=True, default="")
    # Stripe is to be told that Recover asks for the money now, or how the campaign ends.
    tell_stripe_at = models.DateTimeField(
        null=True, blank=True, help_text="When Stripe is next to be told of the run."
    )
    tell_stripe_tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name, verbose_name_plural = "run of a campaign", "runs of campaigns"
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=Q(state="live"), name="one_live_run_per_case"
            ),
            models.CheckConstraint(
                condition=Q(state="live", ended_at__isnull=True, due_at__isnull=False)
                | (~Q(state="live") & Q(ended_at__isnull=False, due_at__isnull=True)),
                name="live_runs_are_due_and_ended_ones_are_not",
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="runs_of_a_merchant"),
            models.Index(fields=["merchant", "state", "-id"], name="runs_of_a_state"),
            models.Index(fields=["due_at"], condition=Q(state="live"), name="due_runs"),
            # How many each campaign works, and which have no step to come.
            models.Index(
                fields=["campaign", "next_position", "due_at"],
                condition=Q(state="live"),
                name="live_runs_by_progress",
            ),
            models.Index(
                fields=["tell_stripe_at"],
                condition=Q(tell_stripe_at__isnull=False),
                name="runs_to_tell_stripe_of",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} on {self.case}"
