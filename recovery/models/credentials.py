from functools import partial

from django.db import models

from recovery.models.base import Mutable, TenantOwned, new_public_id


class InternalKey(TenantOwned, Mutable):
    """What an internal client shows in X-Internal-Key; only its digest is kept.

    Two may be valid at a time, so that a new one can be rolled out before the old one ends.
    """

    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=12, help_text="The last characters, to tell keys apart.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"…{self.hint}"


class ApiKey(TenantOwned, Mutable):
    """A long-lived JWT that an API client shows; the row is what makes it revocable."""

    key_id = models.CharField(
        max_length=40, unique=True, default=partial(new_public_id, "key"), editable=False
    )
    name = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name
