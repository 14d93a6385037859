"""Figures as clients see them: cases over all currencies, money by currency alone."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from recovery import metrics
from recovery.metrics import Figures

COUNTS = tuple(name for name, total in metrics.TOTALS.items() if not total.is_money)
MONEY = tuple(name for name, total in metrics.TOTALS.items() if total.is_money)


class Amount(serializers.Serializer[Any]):
    """Money: 4990 minor units of usd are 49.9 major ones."""

    minor = serializers.IntegerField(help_text="In minor units, as Stripe's.")
    major = serializers.FloatField(help_text="In major units of the currency.")


class Defined(serializers.Serializer[Any]):
    """Figures whose fields say what the definitions say of them."""

    told = metrics.DEFINITIONS

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for name, field in fields.items():
            field.help_text = field.help_text or self.told.get(name, "")
        return fields


class MoneyFigures(Defined):
    """Of one currency."""

    at_stake = Amount()
    recovered = Amount()
    refunded = Amount()
    lost = Amount()
    voided = Amount()
    recovery_rate_by_amount = serializers.FloatField(allow_null=True)


class FiguresAnswer(Defined):
    failed_payments = serializers.IntegerField()
    recovered_count = serializers.IntegerField()
    lost_count = serializers.IntegerField()
    voided_count = serializers.IntegerField()
    recovery_rate = serializers.FloatField(allow_null=True)
    median_days_to_recover = serializers.FloatField(allow_null=True)
    money = serializers.DictField(
        child=MoneyFigures(), help_text="By currency; currencies are never added up."
    )


def answer(
    figures: Figures,
    *,
    median: Decimal | None,
    currencies: Iterable[str],
    by_mechanism: bool = False,
) -> dict[str, Any]:
    """As FiguresAnswer describes it. Only what came back has a mechanism, so figures of one have
    no rates."""
    return {
        **{name: figures.count(name) for name in COUNTS},
        "recovery_rate": None if by_mechanism else number(figures.rate("recovery_rate")),
        "median_days_to_recover": number(median),
        "money": {
            currency: _money(figures, currency, by_mechanism=by_mechanism)
            for currency in currencies
        },
    }


def _money(figures: Figures, currency: str, *, by_mechanism: bool) -> dict[str, Any]:
    rate = None if by_mechanism else figures.rate_of_money("recovery_rate_by_amount", currency)
    return {
        **{name: amount(figures.money(name, currency), currency) for name in MONEY},
        "recovery_rate_by_amount": number(rate),
    }


def amount(minor: int, currency: str) -> dict[str, Any]:
    return {"minor": minor, "major": metrics.in_major_units(minor, currency)}


def number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
