"""How often a card may be asked for money: the networks' ceilings, counted over all debts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from recovery.charge_facts import Card, PastAttempt


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `limit` attempts with a card in any `window`; `is_per_amount`: of one amount."""

    limit: int
    window: timedelta
    is_per_amount: bool
    rule: str
    source: str


BY_BRAND: Mapping[str, tuple[Budget, ...]] = MappingProxyType(
    {
        "visa": (
            Budget(
                15, timedelta(days=30), is_per_amount=True,
                rule="Visa: 15 attempts in 30 days for a card and an amount",
                source="support.stripe.com/questions/payment-blocked-due-to-excessive-retries: "
                "Stripe blocks from the 15th on; Visa itself allows 20 (Core Rules 2026-04-18 "
                "ID#0030640 s7.3.6.3 T7-2)",
            ),
        ),
        "mastercard": (
            Budget(
                10, timedelta(hours=24), is_per_amount=False,
                rule="Mastercard: 10 attempts in 24 hours for a card",
                source="Mastercard Transaction Processing Excellence, via Paya and Braintree",
            ),
            Budget(
                35, timedelta(days=30), is_per_amount=True,
                rule="Mastercard: 35 attempts in 30 days for a card and an amount",
                source="Mastercard Transaction Processing Excellence, via Braintree",
            ),
        ),
    }
)  # fmt: skip
ELSEWHERE = (
    Budget(
        20, timedelta(days=30), is_per_amount=False,
        rule="20 attempts in 30 days for a card",
        source="no public rule of the other networks was read; Hyperswitch configures 20 for Amex "
        "and Discover (crates/router/src/types/storage/revenue_recovery.rs)",
    ),
)  # fmt: skip


def used_up(
    card: Card, *, amount: int, currency: str, attempts: tuple[PastAttempt, ...], now: datetime
) -> Iterator[tuple[Budget, datetime]]:
    """The budgets that have nothing left at `now`, and when each has again.

    A network counts the number on the card, also if a bank has renewed it meanwhile.
    """
    of_card = [one for one in attempts if card.has_number_of(one.card)]
    of_amount = [one for one in of_card if (one.amount, one.currency) == (amount, currency)]
    for budget in BY_BRAND.get(card.brand, ELSEWHERE):
        counted = of_amount if budget.is_per_amount else of_card
        times = sorted((one.at for one in counted if one.at > now - budget.window), reverse=True)
        if len(times) >= budget.limit:
            yield budget, times[budget.limit - 1] + budget.window
