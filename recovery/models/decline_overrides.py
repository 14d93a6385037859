from collections.abc import Mapping

from django.db import models

from recovery.declines import DeclineType
from recovery.models.base import Mutable, TenantOwned
from recovery.models.cases import choices


class DeclineOverride(TenantOwned, Mutable):
    """A merchant's own view of a decline code. It changes the type that a decline counts as, and
    never a ceiling (recovery/charging_rules.py). Written by recovery/merchants/decline_views.py
    alone."""

    decline_code = models.CharField(max_length=100)
    decline_type = models.CharField(max_length=20, choices=choices(DeclineType))

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "decline_code"], name="one_override_per_decline_code"
            )
        ]

    @classmethod
    def by_code(cls, merchant_id: int) -> Mapping[str, DeclineType]:
        """The merchant's own view of each code that it has one of."""
        known = cls.objects.of(merchant_id).values_list("decline_code", "decline_type")
        return {code: DeclineType(decline_type) for code, decline_type in known}

    def __str__(self) -> str:
        return f"{self.decline_code} counts as {self.decline_type}"
