from django.db import models
from django.db.models import Q

from dunning.models.campaigns import DunningStep
from dunning.models.runs import DunningRun
from recovery.models import RecoveryCase
from recovery.models.base import Mutable, TenantOwned


class DunningRetry(TenantOwned, Mutable):
    """One step's charge: asked for once, whatever happens. Written by dunning/retries.py alone.

    What Stripe answered is in the case's attempts.
    """

    class State(models.TextChoices):
        DUE = "due"
        DONE = "done"  # Stripe answered
        REFUSED = "refused"  # a rule forbids it; the timeline says which

    run = models.ForeignKey(DunningRun, on_delete=models.CASCADE, related_name="retries")
    step = models.ForeignKey(DunningStep, on_delete=models.RESTRICT, related_name="retries")
    case = models.ForeignKey(RecoveryCase, on_delete=models.CASCADE, related_name="retries")
    state = models.CharField(max_length=10, choices=State.choices, default=State.DUE)
    queued_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="When a worker may (next) ask.")
    tries = models.PositiveSmallIntegerField(default=0)
    result = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "step"], name="one_charge_per_run_and_step")
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(state="due"), name="due_retries")]
        verbose_name_plural = "dunning retries"

    def __str__(self) -> str:
        return f"{self.step} on {self.case}"
