from django.db import models

from recovery.models.base import Mutable, TenantOwned
from recovery.models.cases import choices
from recovery.pictures import Ground


class MerchantLogo(TenantOwned, Mutable):
    """A merchant's logo, as recovery/pictures.py makes it. Written by recovery/logos.py alone.

    It is served under its digest, so that what has an address never changes.
    """

    merchant = models.OneToOneField(
        "recovery.Merchant", on_delete=models.CASCADE, related_name="logo"
    )
    digest = models.CharField(max_length=64, db_index=True, help_text="SHA-256 of the content.")
    content = models.BinaryField(help_text="A PNG.")
    width = models.PositiveSmallIntegerField(help_text="Pixels.")
    height = models.PositiveSmallIntegerField(help_text="Pixels.")
    ground = models.CharField(max_length=5, choices=choices(Ground))

    def __str__(self) -> str:
        return f"{self.width} x {self.height}, {self.digest[:8]}"
