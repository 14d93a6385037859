from django.db import models
from django.db.models import Q

from recovery.charge_facts import Card
from recovery.declines import Decline, DeclineType
from recovery.mechanisms import AttemptTrigger
from recovery.models.base import Mutable, TenantOwned
from recovery.models.cases import RecoveryCase, choices


class PaymentAttempt(TenantOwned, Mutable):
    """One try to charge, whoever made it. Our own are claimed here before Stripe is asked.

    Written by recovery/attempts.py and, for Stripe's, recovery/failures.py alone.
    """

    class State(models.TextChoices):
        CLAIMED = "claimed"  # about to ask Stripe, or died while asking
        PENDING = "pending"  # Stripe has it, and the bank takes its days
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        REQUIRES_ACTION = "requires_action"

    case = models.ForeignKey(RecoveryCase, on_delete=models.CASCADE, related_name="attempts")
    trigger = models.CharField(max_length=10, choices=choices(AttemptTrigger))
    state = models.CharField(max_length=20, choices=State.choices)
    # What makes an attempt the same attempt: our own key, or what Stripe calls it.
    key = models.CharField(max_length=255)
    stripe_charge_id = models.CharField(max_length=255, blank=True, default="")
    payment_method_id = models.CharField(max_length=255, blank=True, default="")
    fingerprint = models.CharField(max_length=64, blank=True, default="")
    card_brand = models.CharField(max_length=50, blank=True, default="")
    card_expiry = models.CharField(
        max_length=7, blank=True, default="", help_text="2027-03, as it was then."
    )
    card_country = models.CharField(max_length=2, blank=True, default="")
    card_last4 = models.CharField(max_length=4, blank=True, default="")
    amount = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    decline_type = models.CharField(
        max_length=20, blank=True, default="", choices=choices(DeclineType)
    )
    decline_code = models.CharField(max_length=100, blank=True, default="")
    advice_code = models.CharField(max_length=100, blank=True, default="")
    network_decline_code = models.CharField(max_length=100, blank=True, default="")
    network_advice_code = models.CharField(max_length=100, blank=True, default="")
    block_reason = models.CharField(max_length=100, blank=True, default="")
    error = models.CharField(max_length=500, blank=True, default="")
    attempted_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField(
        null=True, blank=True, help_text="When an open one was last asked for or looked up again."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "key"], name="one_attempt_per_key"),
            models.UniqueConstraint(
                fields=["merchant", "stripe_charge_id"],
                condition=~Q(stripe_charge_id=""),
                name="one_attempt_per_charge",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["claimed", "pending"], resolved_at__isnull=True)
                | (~Q(state__in=["claimed", "pending"]) & Q(resolved_at__isnull=False)),
                name="attempts_are_resolved_or_open",
            ),
            models.CheckConstraint(
                condition=~Q(state="failed") | ~Q(decline_type="") | ~Q(error=""),
                name="failed_attempts_say_why",
            ),
        ]
        indexes = [
            # What a card was asked for lately, over all debts: the networks' budgets.
            models.Index(
                fields=["merchant", "fingerprint", "attempted_at"],
                condition=~Q(fingerprint=""),
                name="attempts_by_card",
            ),
            models.Index(
                fields=["attempted_at"],
                condition=Q(resolved_at__isnull=True),
                name="attempts_without_an_end",
            ),
        ]

    @property
    def card(self) -> Card:
        """As it was then."""
        return Card(
            payment_method_id=self.payment_method_id,
            fingerprint=self.fingerprint,
            expiry=self.card_expiry,
            brand=self.card_brand,
            country=self.card_country,
        )

    @property
    def decline(self) -> Decline | None:
        """Why it failed; a bank that waits for its cardholder said no to everybody else."""
        if self.state == self.State.REQUIRES_ACTION:
            return Decline(code="invoice_payment_intent_requires_action")
        if self.state != self.State.FAILED or not self.decline_type:
            return None
        return Decline(
            decline_code=self.decline_code,
            advice_code=self.advice_code,
            network_decline_code=self.network_decline_code,
            network_advice_code=self.network_advice_code,
            brand=self.card_brand,
            block_reason=self.block_reason,
        )

    def __str__(self) -> str:
        return f"{self.trigger} {self.state}"
