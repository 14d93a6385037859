"""Which days figures are asked for."""

from datetime import date, timedelta
from typing import Any

from rest_framework import serializers

from recovery.api.parameters import NO_CURRENCY, Parameters
from recovery.days import FIRST, LAST
from recovery.metrics import Range

LONGEST = 366  # days, of figures that are told by day or read case by case
LONGEST_IN_ALL = 3653  # ten years


class RangeParameters(Parameters):
    """`from` and `to` are days of the merchant, both included; without them, this month to today.

    The context has the merchant's `zone` and `now`. After validation `range` is the Range.
    """

    to = serializers.DateField(required=False, help_text="The last day; else today.")
    currency = serializers.RegexField(
        r"^[a-z]{3}$",
        required=False,
        help_text="Cases of this one only, as usd.",
        error_messages={"invalid": NO_CURRENCY},
    )

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of Python's."""
        first = serializers.DateField(
            required=False, help_text="The first day, where the merchant is; else the month's."
        )
        return {"from": first, **super().get_fields()}

    def longest(self, attrs: dict[str, Any]) -> int:  # noqa: ARG002 - others look at them
        """How many days a range may have."""
        return LONGEST

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        zone = self.context["zone"]
        today = self.context["now"].astimezone(zone).date()
        last = attrs.get("to", max(today, attrs.get("from", today)))
        first = attrs.get("from", last.replace(day=1))
        _check(first, last, longest=self.longest(attrs))
        return attrs | {"range": Range(first, last, zone)}


def _check(first: date, last: date, *, longest: int) -> None:
    if not FIRST <= first <= LAST:
        raise serializers.ValidationError({"from": ["There is no such day in these figures."]})
    if not FIRST <= last <= LAST:
        raise serializers.ValidationError({"to": ["There is no such day in these figures."]})
    if first > last:
        raise serializers.ValidationError({"to": ["This day is before the first."]})
    if last - first >= timedelta(days=longest):
        raise serializers.ValidationError({"to": [f"A range has at most {longest} days."]})
