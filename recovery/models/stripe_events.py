from django.db import models

from recovery.models.base import Mutable, TenantListed


class StripeEvent(TenantListed, Mutable):
    """One verified event in the inbox, stored before it was acknowledged."""

    class State(models.TextChoices):
        PENDING = "pending"
        PROCESSED = "processed"
        FAILED = "failed"  # given up: a person looks and replays

    stripe_event_id = models.CharField(max_length=255)
    type = models.CharField(max_length=255)
    # The invoice, PaymentIntent, subscription or customer it tells of: a case that opens later
    # finds here what was said before it.
    concerns = models.CharField(max_length=255)
    # Text, not JSON: the bytes that were signed, with whatever a JSON column would refuse.
    payload = models.TextField(help_text='"" once it is forgotten.')
    payload_forgotten_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    due_at = models.DateTimeField(help_text="When it is next to be processed.")
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    processed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = "Stripe event", "Stripe events"
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "stripe_event_id"],
                name="one_event_is_stored_once_per_merchant",
            ),
            models.CheckConstraint(
                condition=models.Q(state="processed", processed_at__isnull=False)
                | (~models.Q(state="processed") & models.Q(processed_at__isnull=True)),
                name="processed_events_and_no_others_have_a_time",
            ),
            models.CheckConstraint(
                condition=models.Q(payload_forgotten_at__isnull=True)
                | models.Q(state="processed", payload=""),
                name="what_is_still_to_be_processed_has_its_payload",
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="events_of_a_merchant"),
            models.Index(
                fields=["due_at"], condition=models.Q(state="pending"), name="pending_events"
            ),
            models.Index(
                fields=["merchant", "-id"],
                condition=models.Q(state="failed"),
                name="events_given_up",
            ),
            models.Index(fields=["merchant", "concerns"], name="events_by_what_they_concern"),
            models.Index(
                fields=["merchant", "received_at"],
                condition=models.Q(state="processed", payload_forgotten_at__isnull=True),
                name="payloads_by_age",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.stripe_event_id}"

    @property
    def log_ids(self) -> dict[str, str]:
        """What a line of the log that is about it says (log_context.py)."""
        is_of_a_debt = self.type.startswith(("invoice.", "payment_intent.", "charge."))
        return {"event": self.stripe_event_id} | ({"debt": self.concerns} if is_of_a_debt else {})
