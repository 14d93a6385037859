"""Whom a command is about."""

from django.core.management.base import CommandError

from recovery.models import Merchant


def merchant_called(public_id: str) -> Merchant:
    """Raises CommandError where there is none."""
    merchant = Merchant.objects.select_related("stripe").filter(public_id=public_id).first()
    if merchant is None:
        raise CommandError(f"There is no merchant {public_id}.")
    return merchant
