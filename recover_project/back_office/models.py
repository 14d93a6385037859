from functools import partial

from django.conf import settings
from django.db import models

from recovery.models.base import Mutable, TenantOwned, new_public_id


class SavedView(TenantOwned, Mutable):
    """A filter and search of the list of cases that somebody kept, for themselves and one
    merchant. Written by cases/saved_views.py alone."""

    public_id = models.CharField(
        max_length=40, unique=True, editable=False, default=partial(new_public_id, "view")
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=40)
    query = models.CharField(max_length=500, help_text="As in the list's address.")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name, verbose_name_plural = "saved view", "saved views"
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "user", "name"], name="one_view_per_name_and_person"
            )
        ]

    def __str__(self) -> str:
        return self.name


class InvariantCheck(TenantOwned, Mutable):
    """What was last found of what must always hold of a merchant's rows. Written by
    operations/checking.py alone."""

    checked_at = models.DateTimeField()
    broken = models.JSONField(help_text="How many rows break each invariant, by what it says.")
    broken_rows = models.PositiveIntegerField(
        default=0, db_default=0, help_text="All of them together."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["merchant"], name="one_check_per_merchant")]

    def __str__(self) -> str:
        return f"checked {self.checked_at:%Y-%m-%d %H:%M}"
