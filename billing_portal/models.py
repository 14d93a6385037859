from functools import partial

from django.db import models

from recovery.models import RecoveryCase
from recovery.models.base import Mutable, TenantListed, new_public_id

# 71 bits: it travels in each mail, and what it names opens by a signature alone.
LINK_ID_LENGTH = 15


class PaymentUpdateLink(TenantListed, Mutable):
    """The right to replace the payment method for one case. Written by links.py alone.

    The token itself is in the customer's mail and nowhere else: only its digest is kept.
    """

    public_id = models.CharField(
        max_length=40, unique=True, editable=False,
        default=partial(new_public_id, "pul", length=LINK_ID_LENGTH),
    )  # fmt: skip
    case = models.ForeignKey(RecoveryCase, on_delete=models.CASCADE, related_name="links")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # What the customer paid with when they set out, to see on return whether that changed.
    payment_method_before = models.CharField(max_length=255, blank=True, default="")
    # An expired link's holder asked for a new one; dunning finds the request and answers it.
    replacement_requested_at = models.DateTimeField(null=True, blank=True)
    replaced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = "link", "links"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(finished_at__isnull=True) | models.Q(started_at__isnull=False),
                name="only_a_started_update_is_finished",
            ),
            models.CheckConstraint(
                condition=models.Q(replaced_at__isnull=True)
                | models.Q(replacement_requested_at__isnull=False),
                name="only_a_requested_link_is_replaced",
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="links_of_a_merchant"),
            models.Index(
                fields=["replacement_requested_at"],
                condition=models.Q(
                    replacement_requested_at__isnull=False, replaced_at__isnull=True
                ),
                name="links_to_replace",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id
