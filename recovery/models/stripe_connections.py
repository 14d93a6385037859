from datetime import datetime

from django.db import models

from recovery.models.base import Mutable, TenantOwned
from recovery.models.fields import EncryptedTextField


class StripeConnection(TenantOwned, Mutable):
    """How a merchant's Stripe is reached: by its own key or, without one, as a Connect account."""

    merchant = models.OneToOneField(
        "recovery.Merchant", on_delete=models.CASCADE, related_name="stripe"
    )
    api_key = EncryptedTextField(blank=True, default="")
    account_id = models.CharField(max_length=255, blank=True, default="")
    livemode = models.BooleanField(
        null=True, help_text="Unknown until a key or a live event tells."
    )
    # The account that is, or was last, connected, "" where Stripe didn't say which; since when,
    # where another one was before.
    last_account_id = models.CharField(max_length=255, blank=True, default="", db_default="")
    account_since = models.DateTimeField(null=True, blank=True)
    endpoint_id = models.CharField(max_length=255, blank=True, default="")
    api_version = models.CharField(max_length=40, blank=True, default="")
    portal_configuration_id = models.CharField(max_length=255, blank=True, default="")
    missing_permissions = models.JSONField(
        default=list, blank=True, help_text="What the key lacked when it was last looked at."
    )
    permissions_checked_at = models.DateTimeField(null=True, blank=True)
    connected_at = models.DateTimeField(null=True, blank=True)
    disconnected_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account_id", "livemode"],
                condition=~models.Q(account_id=""),
                name="one_merchant_per_stripe_account_and_mode",
            )
        ]

    def __str__(self) -> str:
        return self.account_id or "Stripe"

    @property
    def is_connected(self) -> bool:
        """Stripe can be asked for the merchant, as far as is known."""
        return bool(self.api_key or self.account_id) and self.disconnected_at is None

    def is_of(self, account: str, *, now: datetime) -> None:
        """`account` is connected from `now` on, "" where Stripe doesn't say which it is. What was
        owed at another one before is elsewhere from now on."""
        before = self.account_id or self.last_account_id
        if account and before not in {"", account}:
            self.account_since = now
        self.account_id = self.last_account_id = account

    def is_of_before(self, moment: datetime) -> bool:
        """Whether another account was connected then."""
        return self.account_since is not None and moment < self.account_since

    def counts(self, *, livemode: bool | None) -> bool:
        """Whether an event or object of that mode is this merchant's business."""
        return self.livemode is None or livemode is None or self.livemode == livemode


class SigningSecret(TenantOwned, Mutable):
    """A secret that Stripe signs this merchant's webhooks with; several while one is rolled."""

    secret = EncryptedTextField()
    endpoint_id = models.CharField(max_length=255, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.endpoint_id or "by hand"
