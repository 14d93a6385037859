from functools import partial

from django.db import models
from django.db.models import Q

from recovery.models.base import Mutable, TenantOwned, new_public_id
from recovery.models.cases import RecoveryCase


class Checkout(TenantOwned, Mutable):
    """A Checkout Session that takes the place of a failed one-time payment, from the click to its
    end. Written by recovery/checkouts.py alone; its address is kept nowhere.
    """

    class State(models.TextChoices):
        CLAIMED = "claimed"  # being made: nobody has its address yet, or its worker died
        OPEN = "open"  # the customer was sent there
        REPLACED = "replaced"  # another one takes its place, once this one is ended at Stripe
        PAID = "paid"
        CLOSED = "closed"  # nobody can pay there any more

    public_id = models.CharField(
        max_length=40, unique=True, editable=False, default=partial(new_public_id, "chk")
    )
    case = models.ForeignKey(RecoveryCase, on_delete=models.CASCADE, related_name="checkouts")
    state = models.CharField(max_length=10, choices=State.choices, default=State.CLAIMED)
    session_id = models.CharField(max_length=255, blank=True, default="")
    payment_intent_id = models.CharField(
        max_length=255,
        blank=True,
        default="",
        help_text="Its own, once the customer tried to pay.",
    )
    cancel_asked_at = models.DateTimeField(
        null=True, blank=True, help_text="When Stripe was asked to cancel the failed payment."
    )
    canceled_at = models.DateTimeField(
        null=True, blank=True, help_text="When Stripe said that the failed payment is canceled."
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    due_at = models.DateTimeField(
        null=True, blank=True, help_text="When a sweep looks at it, unless it has ended before."
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True, default="", help_text="Why it closed.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(state__in=["claimed", "open"]),
                name="one_live_checkout_per_case",
            ),
            models.UniqueConstraint(
                fields=["merchant", "session_id"],
                condition=~Q(session_id=""),
                name="one_checkout_per_session",
            ),
            models.UniqueConstraint(
                fields=["merchant", "payment_intent_id"],
                condition=~Q(payment_intent_id=""),
                name="one_checkout_per_payment",
            ),
            models.CheckConstraint(
                condition=~Q(state="open") | (~Q(session_id="") & Q(canceled_at__isnull=False)),
                name="customers_are_sent_to_the_only_place_to_pay",
            ),
            models.CheckConstraint(
                condition=~Q(state="paid") | ~Q(payment_intent_id=""),
                name="paid_checkouts_name_their_payment",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=["claimed", "open", "replaced"],
                    closed_at__isnull=True,
                    due_at__isnull=False,
                )
                | Q(state__in=["paid", "closed"], closed_at__isnull=False, due_at__isnull=True),
                name="checkouts_are_looked_after_until_they_end",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(due_at__isnull=False), name="checkouts_to_look_at"
            )
        ]

    def __str__(self) -> str:
        return self.public_id
