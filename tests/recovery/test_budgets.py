"""How often a card may be asked, at the edge of every window."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from recovery.budgets import BY_BRAND, ELSEWHERE, Budget, used_up
from recovery.charge_facts import Card, PastAttempt
from recovery.charging_rules import Allowed, may_charge
from recovery.declines import Decline
from recovery.mechanisms import AttemptTrigger
from tests.recovery.charging import WHO, facts

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
MONTH, DAY = timedelta(days=30), timedelta(hours=24)


def card(brand: str) -> Card:
    return Card("pm_1", "f1", "2030-01", brand, "US")


def tries(brand: str, count: int, *, oldest: timedelta, **changes: object) -> list[PastAttempt]:
    """`count` attempts, the oldest so long ago and the others a second later each."""
    made = PastAttempt(
        NOW, AttemptTrigger.STRIPE, card(brand), 4900, "usd", is_this_debt=False,
        decline=Decline("insufficient_funds", brand=brand),
    )  # fmt: skip
    made = replace(made, **changes)  # type: ignore[arg-type]
    times = [NOW - oldest + timedelta(seconds=number) for number in range(count)]
    return [replace(made, at=at) for at in reversed(times)]


TABLE = [
    ("visa", 15, MONTH, BY_BRAND["visa"][0]),
    ("mastercard", 10, DAY, BY_BRAND["mastercard"][0]),
    ("mastercard", 35, MONTH, BY_BRAND["mastercard"][1]),
    ("amex", 20, MONTH, ELSEWHERE[0]),
    ("discover", 20, MONTH, ELSEWHERE[0]),
    ("", 20, MONTH, ELSEWHERE[0]),
]
ROWS = pytest.mark.parametrize(("brand", "limit", "window", "budget"), TABLE)


@ROWS
def test_each_budget_is_a_row_with_its_source(
    brand: str, limit: int, window: timedelta, budget: Budget
) -> None:
    assert (budget.limit, budget.window) == (limit, window)
    assert budget.rule
    assert budget.source


@ROWS
@pytest.mark.parametrize("who", WHO.values(), ids=WHO)
def test_a_budget_binds_everybody_until_its_oldest_attempt_leaves_the_window(
    brand: str, limit: int, window: timedelta, budget: Budget, who: dict[str, object]
) -> None:
    made = tries(brand, limit, oldest=window - timedelta(minutes=1))
    asked = facts(*made, card=card(brand), **who)
    frees_at = NOW + timedelta(minutes=1)

    assert may_charge(asked, now=NOW) == Allowed(frees_at, budget.rule, budget.source)
    assert may_charge(asked, now=frees_at - MOMENT) == Allowed(
        frees_at, budget.rule, budget.source
    )
    assert may_charge(asked, now=frees_at) == Allowed(frees_at)


@ROWS
def test_one_attempt_less_leaves_room(
    brand: str, limit: int, window: timedelta, budget: Budget
) -> None:
    made = tries(brand, limit - 1, oldest=window - timedelta(minutes=1))

    assert may_charge(facts(*made, card=card(brand)), now=NOW) == Allowed(NOW)


def test_what_is_over_a_budget_frees_with_the_attempt_that_makes_room() -> None:
    made = tries("visa", 18, oldest=MONTH - timedelta(minutes=1))
    [(_budget, frees_at)] = used_up(
        card("visa"), amount=4900, currency="usd", attempts=tuple(made), now=NOW
    )

    assert frees_at == made[14].at + MONTH


def test_visa_counts_amounts_apart_and_mastercard_only_by_the_month() -> None:
    for change in ({"amount": 5000}, {"currency": "eur"}):
        other = tries("visa", 15, oldest=DAY, **change)
        assert may_charge(facts(*other, card=card("visa")), now=NOW) == Allowed(NOW)
    other = tries("mastercard", 35, oldest=MONTH - DAY, amount=5000)
    assert may_charge(facts(*other, card=card("mastercard")), now=NOW) == Allowed(NOW)
    today = tries("mastercard", 10, oldest=DAY - MOMENT, amount=5000)
    assert may_charge(facts(*today, card=card("mastercard")), now=NOW) == Allowed(
        NOW + MOMENT, BY_BRAND["mastercard"][0].rule, BY_BRAND["mastercard"][0].source
    )


@pytest.mark.parametrize(
    ("of", "is_counted"),
    [
        (replace(card("visa"), payment_method_id="pm_2"), True),  # the number, by another id
        (replace(card("visa"), expiry="2035-01"), True),  # renewed, the same number
        (replace(card("visa"), fingerprint=""), True),  # not known: by the id
        (Card("pm_2"), False),
        (Card("pm_2", "f2"), False),
        (replace(card("visa"), fingerprint="f2"), False),  # renewed, another number
    ],
)
def test_a_network_counts_the_number_on_the_card(of: Card, is_counted: bool) -> None:
    made = tries("visa", 15, oldest=DAY, card=of)

    found = list(used_up(card("visa"), amount=4900, currency="usd", attempts=tuple(made), now=NOW))

    assert bool(found) is is_counted


def test_claimed_and_successful_attempts_count() -> None:
    made = tries("visa", 15, oldest=DAY, decline=None)

    decided = may_charge(facts(*made, card=card("visa")), now=NOW)

    assert decided == Allowed(
        NOW - DAY + MONTH, BY_BRAND["visa"][0].rule, BY_BRAND["visa"][0].source
    )
