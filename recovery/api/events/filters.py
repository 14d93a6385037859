"""Which cases a list shows."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils.dateparse import parse_date, parse_datetime
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from recovery.api.paging import PageParameters
from recovery.api.parameters import NO_CURRENCY
from recovery.days import FIRST, LAST, start_of
from recovery.declines import DeclineType
from recovery.models import Customer, Merchant, RecoveryCase
from recovery.state_machine import Status

NO_MOMENT = "Write a day as 2026-01-31 or a time as 2026-01-31T09:00:00Z."
OUT_OF_RANGE = f"Write a day from {FIRST} to {LAST}, or a time then."
IN_AN_ADDRESS = f"{NO_MOMENT} The + of an offset is written %2B."


@extend_schema_field({"type": "string", "description": NO_MOMENT})
class Moment(serializers.Field[datetime, Any, str, Any]):
    """A time, or a day: then when it begins where the merchant is. What has no offset is the
    merchant's too."""

    default_error_messages = {"invalid": NO_MOMENT, "out_of_range": OUT_OF_RANGE}

    def to_internal_value(self, data: Any) -> datetime:
        zone: ZoneInfo = self.context["zone"]
        try:
            day = parse_date(data)
            at = None if day else parse_datetime(data)
        except (TypeError, ValueError, OverflowError):
            day = at = None
        named = day or (at and at.date())
        if named is None:
            self.fail("invalid")
        if not FIRST <= named <= LAST:
            self.fail("out_of_range")
        if at is None:
            return start_of(named, zone)
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)

    def to_representation(self, value: datetime) -> str:
        return value.isoformat()


class EventParameters(PageParameters):
    status = serializers.ChoiceField(
        [str(one) for one in Status], required=False, help_text="Cases that are this."
    )
    decline_type = serializers.ChoiceField(
        [str(one) for one in DeclineType], required=False, help_text="By what kind of decline."
    )
    currency = serializers.RegexField(
        r"^[a-z]{3}$",
        required=False,
        help_text="ISO 4217 in lower case.",
        error_messages={"invalid": NO_CURRENCY},
    )
    opened_after = Moment(
        required=False,
        help_text=f"Opened then or later. {IN_AN_ADDRESS}",
        error_messages={"invalid": IN_AN_ADDRESS},
    )
    opened_before = Moment(
        required=False,
        help_text=f"Opened before. {IN_AN_ADDRESS}",
        error_messages={"invalid": IN_AN_ADDRESS},
    )
    customer = serializers.CharField(
        max_length=255, required=False, help_text="Stripe's id of the customer: cus_…"
    )


def chosen(
    rows: QuerySet[RecoveryCase], merchant: Merchant, parameters: Mapping[str, Any]
) -> QuerySet[RecoveryCase]:
    """`opened_after` is within the time, `opened_before` is not; `customer` is Stripe's id."""
    for name in ("status", "decline_type", "currency"):
        if name in parameters:
            rows = rows.filter(**{name: parameters[name]})
    if "opened_after" in parameters:
        rows = rows.filter(opened_at__gte=parameters["opened_after"])
    if "opened_before" in parameters:
        rows = rows.filter(opened_at__lt=parameters["opened_before"])
    if "customer" in parameters:
        # Looked up first, so that the list is read in its own order.
        theirs = Customer.objects.of(merchant).filter(stripe_customer_id=parameters["customer"])
        rows = rows.filter(customer=theirs.values_list("pk", flat=True).first() or 0)
    return rows
