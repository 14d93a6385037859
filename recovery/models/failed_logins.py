from django.db import models

from recovery.models.base import Mutable


class FailedLogins(Mutable):
    """How often in a row a login by the API failed for one address, whether or not anybody has
    that address: who asks must not learn which. The address itself isn't kept."""

    address_digest = models.CharField(max_length=64, unique=True)
    tries = models.PositiveSmallIntegerField(default=0)
    began_at = models.DateTimeField(help_text="When the first of them was.")

    class Meta:
        verbose_name_plural = "failed logins"

    def __str__(self) -> str:
        return f"{self.address_digest[:8]}…: {self.tries}"
