from functools import partial

from django.db import models
from django.db.models import Q

from recovery.models.base import Mutable, TenantOwned, new_public_id
from recovery.scopes import SPELLINGS, Scopes


class InternalKey(TenantOwned, Mutable):
    """What an internal client shows in X-Internal-Key; only its digest is kept.

    One has no end; the one that it replaced may be valid for a while longer, so that the new one
    can be rolled out.
    """

    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=12, help_text="The last characters, to tell keys apart.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant"],
                condition=Q(expires_at__isnull=True),
                name="one_internal_key_without_an_end",
            )
        ]

    def __str__(self) -> str:
        return f"…{self.hint}"


class ApiKey(TenantOwned, Mutable):
    """A long-lived JWT that an API client shows; the row is what makes it revocable."""

    key_id = models.CharField(
        max_length=40, unique=True, default=partial(new_public_id, "key"), editable=False
    )
    name = models.CharField(max_length=100)
    scopes = models.CharField(max_length=20, help_text="“read” or “read write”.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(scopes__in=list(SPELLINGS)), name="api_keys_read_or_read_and_write"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def granted(self) -> Scopes:
        return SPELLINGS[self.scopes]
