"""What the dashboard is asked and what it tells (the contract, section 3)."""

from typing import Any

from rest_framework import serializers

from recovery.declines import DeclineType
from recovery.state_machine import Status


class DashboardParameters(serializers.Serializer[Any]):
    limit = serializers.IntegerField(
        default=20, min_value=1, max_value=100, help_text="How many events."
    )


class CurrencyFigures(serializers.Serializer[Any]):
    recovered_mtd = serializers.FloatField(help_text="In major units.")


class DashboardEvent(serializers.Serializer[Any]):
    """One case, as the dashboard lists it."""

    id = serializers.CharField()
    customer_email_masked = serializers.CharField()
    decline_type = serializers.ChoiceField(choices=[str(one) for one in DeclineType])
    decline_code = serializers.CharField(allow_null=True, help_text="Stripe's word.")
    amount = serializers.IntegerField(help_text="In minor units.")
    currency = serializers.CharField()
    recovered_amount = serializers.IntegerField(
        help_text="In minor units, less what was refunded; 0 of a voided case."
    )
    date = serializers.DateField(help_text="Of the failure, in the merchant's time zone.")
    status = serializers.ChoiceField(choices=[str(one) for one in Status])


class Dashboard(serializers.Serializer[Any]):
    """The month so far, from its first midnight in the merchant's time zone."""

    recovered_mtd = serializers.FloatField(
        help_text="Recovered this month, in major units of `currency`; whole where it is whole."
    )
    recovery_rate = serializers.FloatField(
        min_value=0, max_value=1, allow_null=True,
        help_text="Recovered ÷ (recovered + lost), by count, of the cases that were closed this "
        "month; null when none was.",
    )  # fmt: skip
    failed_payments_mtd = serializers.IntegerField(
        min_value=0, help_text="Cases that were opened this month and not voided."
    )
    roi_multiple = serializers.IntegerField(
        allow_null=True,
        help_text="`recovered_mtd` ÷ what Recover costs a month, whatever brought the money back; "
        "null without a price.",
    )
    currency = serializers.CharField(help_text="The merchant's reporting currency.")
    by_currency = serializers.DictField(
        child=CurrencyFigures(), help_text="Each currency apart: never summed."
    )
    definitions = serializers.URLField(help_text="What each figure means.")
    events = DashboardEvent(many=True, help_text="The newest first.")


class StripesDefinitions(serializers.Serializer[Any]):
    """How Stripe computes what it calls by the same names."""

    source = serializers.CharField()  # type: ignore[assignment]  # a field, not Serializer's
    definitions = serializers.DictField(child=serializers.CharField())


class Definitions(serializers.Serializer[Any]):
    """How each figure is computed, in words."""

    version = serializers.IntegerField(help_text="One more whenever a formula changes.")
    definitions = serializers.DictField(child=serializers.CharField())
    stripe = StripesDefinitions()
