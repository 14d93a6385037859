"""Minor and major units of every kind of currency."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recovery.money import THREE_DECIMAL, ZERO_DECIMAL, as_number, decimals, major
from recovery.reading import LARGEST


@pytest.mark.parametrize(
    ("currency", "expected"),
    [
        ("usd", 2), ("eur", 2), ("gbp", 2), ("jpy", 0), ("krw", 0), ("clp", 0), ("xpf", 0),
        ("bhd", 3), ("jod", 3), ("kwd", 3), ("omr", 3), ("tnd", 3),
        ("isk", 2), ("ugx", 2), ("huf", 2), ("twd", 2),
        ("", 2), ("zzz", 2),
    ],
)  # fmt: skip
def test_a_currency_has_the_decimals_that_stripe_sends(currency: str, expected: int) -> None:
    assert decimals(currency) == expected


def test_no_currency_has_two_numbers_of_decimals() -> None:
    assert len(ZERO_DECIMAL) == 15
    assert ZERO_DECIMAL.isdisjoint(THREE_DECIMAL)


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        (4990, "usd", "49.90"), (1, "eur", "0.01"), (0, "eur", "0.00"), (-250, "eur", "-2.50"),
        (4990, "jpy", "4990"), (4990, "kwd", "4.990"), (5, "tnd", "0.005"),
    ],
)  # fmt: skip
def test_minor_units_become_major_ones_exactly(amount: int, currency: str, expected: str) -> None:
    assert str(major(amount, currency)) == expected


@given(
    amount=st.integers(min_value=-LARGEST, max_value=LARGEST),
    currency=st.sampled_from(["usd", "jpy", "kwd"]),
)
def test_no_amount_that_is_kept_is_rounded(amount: int, currency: str) -> None:
    assert major(amount, currency) * 10 ** decimals(currency) == amount


@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [
        ("3840", 2, "3840"), ("3840.00", 2, "3840"), ("49.90", 2, "49.9"), ("0.005", 2, "0"),
        ("0.015", 2, "0.02"), ("0.025", 2, "0.02"), ("-0.001", 2, "0"), ("131.5", 0, "132"),
        ("132.5", 0, "132"), ("4.990", 3, "4.99"), ("0.6842", 2, "0.68"), ("0.996", 2, "1"),
    ],
)  # fmt: skip
def test_a_json_number_is_whole_where_it_can_be(value: str, places: int, expected: str) -> None:
    assert repr(as_number(Decimal(value), places)) == expected
