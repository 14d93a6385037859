"""GET analytics: series and funnel, behind the back office's charts."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from recovery import clock, metrics
from recovery.api import figures
from recovery.api.figures import Defined, FiguresAnswer
from recovery.api.metrics import asked_for, currencies_of
from recovery.api.parameters import once_each
from recovery.api.ranges import RangeParameters
from recovery.api.views import InternalView
from recovery.metrics import Figures, funnel
from recovery.models import Merchant

FUNNEL_BY = ("decline_code", "mechanism")


class Day(FiguresAnswer):
    day = serializers.DateField(help_text="In the merchant's time zone.")


class Stages(Defined):
    told = funnel.STAGES
    failed = serializers.IntegerField()
    reached = serializers.IntegerField()
    opened = serializers.IntegerField()
    updated = serializers.IntegerField()
    recovered = serializers.IntegerField()


class StagesOfCode(Stages):
    decline_code = serializers.CharField(allow_null=True)


class StagesOfMechanism(Stages):
    mechanism = serializers.CharField(allow_null=True)


class Funnel(serializers.Serializer[Any]):
    definitions = serializers.DictField(child=serializers.CharField())
    total = Stages()
    by_decline_code = StagesOfCode(many=True)
    by_mechanism = StagesOfMechanism(many=True)


class AnalyticsAnswer(serializers.Serializer[Any]):
    to = serializers.DateField(help_text="The last day, included.")
    time_zone = serializers.CharField(help_text="The merchant's, in which days begin.")
    currency = serializers.CharField(allow_null=True, help_text="The one that was asked for.")
    series = Day(many=True, help_text="Every day of the range, also those without a case.")
    funnel = Funnel(help_text="How far the cases opened in the range have come.")

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of Python's."""
        first = serializers.DateField(help_text="The first day, included.")
        return {"from": first, **super().get_fields()}


class AnalyticsView(InternalView):
    @extend_schema(
        operation_id="get_analytics",
        summary="Get series and funnel",
        description="Each day's figures, and how far cases got: what the back office's charts "
        "show.",
        tags=["Figures"],
        parameters=[RangeParameters],
        responses=AnalyticsAnswer,
    )
    def get(self, request: Request) -> Response:
        asked = RangeParameters(
            data=once_each(request.query_params),
            context={"zone": self.merchant.zone, "now": clock.now()},
        )
        asked.is_valid(raise_exception=True)
        return Response(AnalyticsAnswer(_analytics(self.merchant, asked.validated_data)).data)


def _analytics(merchant: Merchant, asked: Mapping[str, Any]) -> dict[str, Any]:
    range_, counted = asked["range"], asked_for(merchant, asked)
    return {
        "from": range_.first,
        "to": range_.last,
        "time_zone": str(range_.zone),
        "currency": asked.get("currency"),
        "series": _series(merchant, asked),
        "funnel": _funnel(funnel.stages(counted, range_, by=FUNNEL_BY)),
    }


def _series(merchant: Merchant, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    range_, counted = asked["range"], asked_for(merchant, asked)
    found = metrics.totals(counted, range_, by=("day",))
    currencies = currencies_of(merchant, asked, metrics.together(found.values()))
    medians = metrics.median_days(counted, range_, by=("day",))
    return [
        {
            "day": day,
            **figures.answer(
                found.get((day,), Figures()), median=medians.get((day,)), currencies=currencies
            ),
        }
        for day in range_.days
    ]


def _funnel(found: Mapping[tuple[Any, ...], funnel.Stages]) -> dict[str, Any]:
    whole = funnel.folded(found, None).get(None) or dict.fromkeys(funnel.STAGES, 0)
    by = {
        f"by_{name}": [
            {name: value or None, **counted}
            for value, counted in sorted(funnel.folded(found, place).items())
        ]
        for place, name in enumerate(FUNNEL_BY)
    }
    return {"definitions": dict(funnel.STAGES), "total": whole, **by}
