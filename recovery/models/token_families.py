from functools import partial

from django.db import models
from django.db.models import Q

from recovery.models.base import Mutable, TenantOwned, new_public_id
from recovery.models.users import Membership, Role


class TokenFamily(TenantOwned, Mutable):
    """One login of a merchant's user by the API, and all tokens that came of it.

    `role` and `password_fingerprint` are as they were at the login: tokens die when the
    membership's role or the user's password is another one. They go with the membership, and so
    with the user and the merchant.
    """

    class Reason(models.TextChoices):
        REUSED = "reused"  # an old refresh token was shown: somebody has a copy
        OUTDATED = "outdated"  # the role, the password or the user's being active has changed

    family_id = models.CharField(
        max_length=40, unique=True, default=partial(new_public_id, "fam"), editable=False
    )
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=20, choices=Role.choices)
    password_fingerprint = models.CharField(max_length=64)
    current_jti = models.CharField(max_length=32, help_text="The one refresh token that is good.")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="When that refresh token ends.")
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_reason = models.CharField(
        max_length=20, choices=Reason.choices, blank=True, default=""
    )

    class Meta:
        verbose_name_plural = "token families"
        constraints = [
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoked_reason="")
                | (Q(revoked_at__isnull=False) & ~Q(revoked_reason="")),
                name="revoked_families_say_why",
            )
        ]

    def __str__(self) -> str:
        return self.family_id
