"""Money as people read it, and what Recover's price brought back."""

from decimal import ROUND_HALF_EVEN, Decimal

from recovery.models import Merchant
from recovery.money import as_number, decimals, major


def in_major_units(amount: int, currency: str) -> int | float:
    """`amount` minor units as a JSON number."""
    return as_number(major(amount, currency), decimals(currency))


def roi_multiple(merchant: Merchant, recovered: int) -> int | None:
    """How many times its monthly price Recover brought back, in the merchant's currency."""
    if not merchant.monthly_price:
        return None
    ratio = Decimal(recovered) / merchant.monthly_price
    return int(ratio.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
