from functools import partial

from django.db import models
from django.db.models import Q

from recovery.models.base import Mutable, TenantListed, new_public_id
from recovery.models.cases import RecoveryCase


class OperatorTask(TenantListed, Mutable):
    """Something that only a person can do. Written by recovery/operator_tasks.py alone."""

    public_id = models.CharField(
        max_length=40, unique=True, editable=False, default=partial(new_public_id, "task")
    )
    case = models.ForeignKey(
        RecoveryCase, null=True, blank=True, on_delete=models.CASCADE, related_name="tasks"
    )
    kind = models.CharField(max_length=40)
    summary = models.CharField(max_length=500)
    # The same cause makes one task, however often it is met.
    once = models.CharField(max_length=300)
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = "task", "tasks"
        constraints = [
            models.UniqueConstraint(fields=["merchant", "once"], name="one_task_per_cause")
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="tasks_of_a_merchant"),
            models.Index(fields=["merchant", "kind", "-id"], name="tasks_of_a_kind"),
            models.Index(
                fields=["merchant", "-created_at"],
                condition=Q(done_at__isnull=True),
                name="tasks_to_do",
            ),
        ]

    def __str__(self) -> str:
        return self.summary
