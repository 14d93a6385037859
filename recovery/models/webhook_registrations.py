from datetime import datetime
from functools import partial

from django.db import models
from django.db.models import Q

from recovery.models.base import Mutable, TenantOwned, new_public_id
from recovery.models.fields import EncryptedTextField


class WebhookRegistration(TenantOwned, Mutable):
    """A client's own endpoint and what it wants to hear. Written by
    recovery/webhook_registrations.py alone."""

    class State(models.TextChoices):
        ACTIVE = "active"
        DISABLED = "disabled"

    class DisabledReason(models.TextChoices):
        BY_MERCHANT = "by_merchant"
        GONE = "gone"  # it answered 410
        FAILING = "failing"  # it took nothing for days

    public_id = models.CharField(
        max_length=40, unique=True, editable=False, default=partial(new_public_id, "whr")
    )
    url = models.CharField(max_length=2000)
    event_types = models.JSONField(help_text="What it is told of; recovery/outbound_events.py")
    description = models.CharField(max_length=200, blank=True, default="")
    secret = EncryptedTextField()
    previous_secret = EncryptedTextField(blank=True, default="")
    previous_secret_expires_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    disabled_reason = models.CharField(
        max_length=20, choices=DisabledReason.choices, blank=True, default=""
    )
    disabled_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(
        null=True, blank=True, help_text="It has taken nothing since then."
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name, verbose_name_plural = "webhook", "webhooks"
        constraints = [
            models.CheckConstraint(
                condition=Q(state="active", disabled_at__isnull=True, disabled_reason="")
                | (Q(state="disabled", disabled_at__isnull=False) & ~Q(disabled_reason="")),
                name="disabled_registrations_say_when_and_why",
            ),
        ]
        indexes = [
            # Looked at whenever something happens that could be told.
            models.Index(
                fields=["merchant"], condition=Q(state="active"), name="active_registrations"
            )
        ]

    def __str__(self) -> str:
        return self.url

    @property
    def is_active(self) -> bool:
        return self.state == self.State.ACTIVE

    def secrets(self, *, now: datetime) -> list[str]:
        """All that sign at `now`, the newest first."""
        ends_at = self.previous_secret_expires_at
        if ends_at is None or ends_at <= now:
            return [self.secret]
        return [self.secret, self.previous_secret]
