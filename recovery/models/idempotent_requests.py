from django.db import models

from recovery.models.base import Mutable, TenantOwned
from recovery.models.fields import EncryptedTextField


class IdempotentRequest(TenantOwned, Mutable):
    """One request under an Idempotency-Key and, once it has run, its answer. Written by
    recovery/idempotency.py alone."""

    credential_kind = models.CharField(max_length=20, help_text="api_key, internal_key, user.")
    key = models.CharField(max_length=255)
    asked = models.CharField(max_length=64, help_text="A digest of path and parameters.")
    created_at = models.DateTimeField()
    claimed_at = models.DateTimeField(help_text="Since when somebody runs it.")
    status = models.PositiveSmallIntegerField(
        null=True, help_text="Of the answer; null: none yet."
    )
    # An answer may show a secret, as that to a new webhook registration does, or an address.
    body = EncryptedTextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "credential_kind", "key"],
                name="one_request_per_idempotency_key",
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="requests_to_forget")]

    def __str__(self) -> str:
        return self.key
