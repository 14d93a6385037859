"""GET metrics: the figures of any range, grouped as one likes, and beside them Stripe's."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from recovery import clock, metrics
from recovery.api import figures
from recovery.api.figures import Amount, Defined, FiguresAnswer
from recovery.api.parameters import once_each
from recovery.api.ranges import LONGEST, LONGEST_IN_ALL, RangeParameters
from recovery.api.views import ClientView
from recovery.metrics import DIMENSIONS, Counted, Figures, Range, stripes_view
from recovery.metrics.figures import Key
from recovery.metrics.stripes_view import StripesView
from recovery.models import Merchant

MOST_GROUPS = 10_000
TOO_MANY = f"That makes more than {MOST_GROUPS} groups. Ask for fewer days or dimensions."


class MetricsParameters(RangeParameters):
    group_by = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        help_text=f"Some of {', '.join(DIMENSIONS)}, with commas.",
    )

    def validate_group_by(self, value: str) -> tuple[str, ...]:
        chosen = tuple(filter(None, value.split(",")))
        if not set(chosen) <= set(DIMENSIONS) or len(set(chosen)) < len(chosen):
            raise serializers.ValidationError(f"Choose from {', '.join(DIMENSIONS)}, each once.")
        return chosen

    def longest(self, attrs: dict[str, Any]) -> int:
        return LONGEST if "day" in attrs["group_by"] else LONGEST_IN_ALL


class GroupAnswer(FiguresAnswer):
    group = serializers.DictField(help_text="The value of each dimension that was asked for.")


class StripesMoney(Defined):
    told = metrics.STRIPES_DEFINITIONS
    failed_payments = Amount()
    recovered_payments = Amount()
    not_recovered = Amount()
    still_open = Amount()
    recovery_rate = serializers.FloatField(allow_null=True)


class StripesAnswer(Defined):
    """The same payments as Stripe's recovery analytics counts them."""

    told = metrics.STRIPES_DEFINITIONS
    source = serializers.CharField(  # type: ignore[assignment]  # declared fields hide nothing
        help_text="Where Stripe says what it counts."
    )
    note = serializers.CharField(help_text="What can't be told from here.")
    failure_rate = serializers.FloatField(allow_null=True)
    money = serializers.DictField(child=StripesMoney(), help_text="By currency.")


class MetricsAnswer(serializers.Serializer[Any]):
    to = serializers.DateField(help_text="The last day, included.")
    time_zone = serializers.CharField(help_text="The merchant's, in which days begin.")
    currency = serializers.CharField(allow_null=True, help_text="The one that was asked for.")
    group_by = serializers.ListField(
        child=serializers.CharField(), help_text="The dimensions that were asked for."
    )
    definitions = serializers.CharField(help_text="Where each figure is defined.")
    definitions_version = serializers.IntegerField(
        help_text="One more whenever a figure comes to mean something else."
    )
    roi_multiple = serializers.IntegerField(
        allow_null=True, help_text=metrics.DEFINITIONS["roi_multiple"]
    )
    total = FiguresAnswer(help_text="Of the whole range.")
    groups = GroupAnswer(
        many=True,
        help_text="Of each combination in which something happened. By mechanism, rates are null: "
        "only what came back has one.",
    )
    stripe = StripesAnswer(help_text="The same payments as Stripe counts them.")

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of Python's."""
        first = serializers.DateField(help_text="The first day, included.")
        return {"from": first, **super().get_fields()}


class MetricsView(ClientView):
    @extend_schema(
        operation_id="get_metrics",
        summary="Get the figures of a range",
        description="Money is told by currency and never summed over several. `stripe` has the "
        "same payments as Stripe's own analytics counts them. A range has at most ten years; by "
        f"day, at most {LONGEST} days.",
        tags=["Figures"],
        parameters=[MetricsParameters],
        responses=MetricsAnswer,
    )
    def get(self, request: Request) -> Response:
        asked = MetricsParameters(
            data=once_each(request.query_params),
            context={"zone": self.merchant.zone, "now": clock.now()},
        )
        asked.is_valid(raise_exception=True)
        return Response(MetricsAnswer(_metrics(self.merchant, asked.validated_data)).data)


def asked_for(merchant: Merchant, asked: Mapping[str, Any]) -> Counted:
    return Counted(merchant, currency=asked.get("currency"))


def currencies_of(merchant: Merchant, asked: Mapping[str, Any], found: Figures) -> list[str]:
    """The one that was asked for, else the merchant's and all in which there is something."""
    if "currency" in asked:
        return [asked["currency"]]
    return sorted({merchant.currency, *found.totals})


def _metrics(merchant: Merchant, asked: Mapping[str, Any]) -> dict[str, Any]:
    range_, by = asked["range"], asked["group_by"]
    counted = asked_for(merchant, asked)
    _refuse_too_many(counted, range_, by)
    found = metrics.totals(counted, range_, by=by)
    total = metrics.together(found.values())
    currencies = currencies_of(merchant, asked, total)
    median = _medians(counted, range_).get(())
    return {
        "from": range_.first,
        "to": range_.last,
        "time_zone": str(range_.zone),
        "currency": asked.get("currency"),
        "group_by": list(by),
        "definitions": f"{settings.PUBLIC_URL}{reverse('definitions')}",
        "definitions_version": metrics.DEFINITIONS_VERSION,
        "roi_multiple": _roi(merchant, range_, total) if merchant.currency in currencies else None,
        "total": figures.answer(total, median=median, currencies=currencies),
        "groups": _groups(counted, range_, by, found, currencies) if by else [],
        "stripe": _stripes(counted, range_, currencies),
    }


def _roi(merchant: Merchant, range_: Range, total: Figures) -> int | None:
    if not range_.is_within_a_month:
        return None
    return metrics.roi_multiple(merchant, total.money("recovered", merchant.currency))


def _refuse_too_many(counted: Counted, range_: Range, by: Sequence[str]) -> None:
    """Of several dimensions more groups may come than anybody reads: they are counted first."""
    is_of_several = len(by) > 1
    if is_of_several and metrics.groups_up_to(MOST_GROUPS, counted, range_, by=by) > MOST_GROUPS:
        raise serializers.ValidationError({"group_by": [TOO_MANY]})


def _groups(
    counted: Counted,
    range_: Range,
    by: Sequence[str],
    found: Mapping[Key, Figures],
    currencies: Sequence[str],
) -> list[dict[str, Any]]:
    keys = _with_every_day(range_, by, found)
    if len(keys) > MOST_GROUPS:
        raise serializers.ValidationError({"group_by": [TOO_MANY]})
    medians = _medians(counted, range_, by=by)
    return [
        {
            "group": {name: value or None for name, value in zip(by, key, strict=True)},
            **figures.answer(
                found.get(key, Figures()), median=medians.get(key),
                currencies=[key[by.index("currency")]] if "currency" in by else currencies,
                by_mechanism="mechanism" in by,
            ),
        }
        for key in keys
    ]  # fmt: skip


def _medians(counted: Counted, range_: Range, *, by: Sequence[str] = ()) -> Mapping[Key, Decimal]:
    """They read every recovered case, which sums don't: none of more days than a year has."""
    if len(range_.days) > LONGEST:
        return {}
    return metrics.median_days(counted, range_, by=by)


def _with_every_day(range_: Range, by: Sequence[str], found: Mapping[Key, Figures]) -> list[Key]:
    """The groups that there are, in order; by day, those of days without anything too."""
    if "day" not in by:
        return sorted(found)
    place = by.index("day")
    others = {key[:place] + key[place + 1 :] for key in found} or ({()} if len(by) == 1 else set())
    if len(others) * len(range_.days) > MOST_GROUPS:
        raise serializers.ValidationError({"group_by": [TOO_MANY]})
    return sorted((*one[:place], day, *one[place:]) for one in others for day in range_.days)


def _stripes(counted: Counted, range_: Range, currencies: Sequence[str]) -> dict[str, Any]:
    found = stripes_view.by_currency(counted, range_)
    shown = sorted({*currencies, *found})
    return {
        "source": metrics.SOURCE,
        "note": metrics.NOT_KNOWN,
        "failure_rate": None,
        "money": {one: _stripes_money(found.get(one, StripesView()), one) for one in shown},
    }


def _stripes_money(view: StripesView, currency: str) -> dict[str, Any]:
    names = ("failed_payments", "recovered_payments", "not_recovered", "still_open")
    return {
        **{name: figures.amount(getattr(view, name), currency) for name in names},
        "recovery_rate": figures.number(view.recovery_rate),
    }
