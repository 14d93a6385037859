from django.db import models

from recovery.models.base import Mutable, TenantOwned


class SuppressedAddress(TenantOwned, Mutable):
    """An address that a merchant's mail no longer goes to.

    Written by dunning/mail/addresses.py alone.
    """

    class Reason(models.TextChoices):
        BOUNCED = "bounced"  # it doesn't exist, or takes no mail for good
        COMPLAINED = "complained"  # its owner called the mail unwanted
        UNSUBSCRIBED = "unsubscribed"  # its owner asked for no more

    email = models.CharField(max_length=254, help_text="In lower case.")
    reason = models.CharField(max_length=20, choices=Reason.choices)
    detail = models.CharField(max_length=500, blank=True, default="")
    suppressed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "email"], name="one_suppression_per_address"
            ),
            models.CheckConstraint(condition=~models.Q(email=""), name="an_address_is_named"),
        ]
        verbose_name_plural = "suppressed addresses"

    def __str__(self) -> str:
        return f"{self.reason} address"
