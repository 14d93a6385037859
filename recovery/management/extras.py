"""What a connected key could do besides, for who has just connected it."""

from recovery import merchants
from recovery.models import Merchant


def extras(merchant: Merchant) -> list[str]:
    """Lines to print; none where nothing is left to allow."""
    missing = merchants.missing_extras(merchant)
    if not missing:
        return []
    heading = "Optional: allow these for the key in Stripe's dashboard, if you like."
    return [heading, *(f"  {name}: {purpose}" for name, purpose in missing.items())]
