"""Amounts: integer minor units as Stripe's, and what they are in major units."""

from decimal import ROUND_HALF_EVEN, Decimal

from babel.numbers import list_currencies

# https://docs.stripe.com/currencies#zero-decimal, #three-decimal and #special-cases: ISK and UGX
# are sent with two decimals although they have none.
ZERO_DECIMAL = frozenset(
    "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split()  # noqa: SIM905
)
THREE_DECIMAL = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})


def exists(currency: str) -> bool:
    """Whether ISO 4217 has `currency`, or had it."""
    return currency.upper() in list_currencies()


def decimals(currency: str) -> int:
    """How many decimals Stripe's amounts in `currency` (lower-case ISO 4217) carry."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def major(amount: int, currency: str) -> Decimal:
    """`amount` minor units in major units, exactly: 4990 usd → Decimal("49.90")."""
    return Decimal(amount).scaleb(-decimals(currency))


def as_number(value: Decimal, places: int) -> int | float:
    """A JSON number: an integer when whole, else rounded half-even to `places` decimals."""
    rounded = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    return int(rounded) if rounded == rounded.to_integral_value() else float(rounded)
