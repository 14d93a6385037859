from django.db import models

from recovery.models import RecoveryCase
from recovery.models.base import Mutable, TenantOwned


class Closing(TenantOwned, Mutable):
    """A case closed, and a run that works it is to end. On PostgreSQL the database writes it, in
    the transaction that closes the case (migration 0014); dunning/closings.py alone strikes it."""

    case = models.ForeignKey(RecoveryCase, on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"{self.case} closed"
