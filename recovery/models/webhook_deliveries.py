from functools import partial

from django.db import models
from django.db.models import Q

from recovery.models.base import Mutable, TenantListed, new_public_id
from recovery.models.cases import RecoveryCase
from recovery.models.outbound_notices import OutboundNotice
from recovery.models.webhook_registrations import WebhookRegistration


class WebhookDelivery(TenantListed, Mutable):
    """One message to one endpoint, at least once and under one id. Made by recovery/outbound.py,
    then written by recovery/outbound_delivery.py alone."""

    class State(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        GIVEN_UP = "given_up"

    public_id = models.CharField(
        max_length=40, unique=True, editable=False, default=partial(new_public_id, "whd")
    )
    registration = models.ForeignKey(  # deliveries_newest_first is its index
        WebhookRegistration, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    notice = models.ForeignKey(OutboundNotice, on_delete=models.CASCADE, related_name="deliveries")
    # The notice's own, here for the order in which they are first tried.
    case = models.ForeignKey(
        RecoveryCase, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    sequence = models.PositiveIntegerField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(help_text="When it may (next) be tried; claimed, until then.")
    tried_at = models.DateTimeField(null=True, blank=True)
    last_status = models.PositiveSmallIntegerField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True, default="")
    last_duration = models.DurationField(null=True, blank=True)
    response_excerpt = models.CharField(max_length=2000, blank=True, default="")
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["registration", "notice"], name="one_delivery_per_registration_and_notice"
            ),
            models.CheckConstraint(
                condition=Q(state="pending", delivered_at__isnull=True, given_up_at__isnull=True)
                | Q(state="delivered", delivered_at__isnull=False, given_up_at__isnull=True)
                | Q(state="given_up", delivered_at__isnull=True, given_up_at__isnull=False),
                name="deliveries_end_delivered_or_given_up",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="pending"), name="due_deliveries"),
            models.Index(
                fields=["given_up_at"], condition=Q(state="given_up"), name="given_up_deliveries"
            ),
            models.Index(
                fields=["registration", "case", "sequence"],
                condition=Q(state="pending", tried_at__isnull=True),
                name="untried_deliveries_in_order",
            ),
            models.Index(
                fields=["registration", "-created_at", "-id"], name="deliveries_newest_first"
            ),
            models.Index(fields=["merchant", "-id"], name="deliveries_of_a_merchant"),
            models.Index(
                fields=["merchant", "-id"],
                condition=Q(state="given_up"),
                name="given_up_of_a_merchant",
            ),
        ]
        verbose_name_plural = "webhook deliveries"

    def __str__(self) -> str:
        return self.public_id
