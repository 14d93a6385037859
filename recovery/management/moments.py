"""Moments as a merchant's clock shows them."""

from datetime import datetime

from recovery.models import Merchant


def minute(at: datetime | None, merchant: Merchant) -> str:
    """`2026-11-26 14:05`, or `never`."""
    return "never" if at is None else f"{at.astimezone(merchant.zone):%Y-%m-%d %H:%M}"
