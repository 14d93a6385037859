"""GET dashboard: how much came back, and what that was worth (the contract, section 3); GET
metrics/definitions: what each figure means (section 4)."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from recovery import clock, metrics
from recovery.api.dashboard_shapes import Dashboard, DashboardParameters, Definitions
from recovery.api.parameters import once_each
from recovery.api.views import AnyClientView, InternalView
from recovery.masking import mask_email
from recovery.models import Merchant, RecoveryCase


class DashboardView(InternalView):
    @extend_schema(
        operation_id="get_dashboard",
        summary="Get the dashboard",
        description="The figures of the month so far and the newest cases. Test-mode cases never "
        "count in a live merchant's figures, nor live ones while a test key is connected.",
        tags=["Figures"],
        parameters=[DashboardParameters],
        responses=Dashboard,
    )
    def get(self, request: Request) -> Response:
        parameters = DashboardParameters(data=once_each(request.query_params))
        parameters.is_valid(raise_exception=True)
        return Response(_dashboard(self.merchant, limit=parameters.validated_data["limit"]))


class DefinitionsView(AnyClientView):
    @extend_schema(
        operation_id="get_definitions",
        summary="Get the figures' definitions",
        description="Each figure's formula in words.",
        tags=["Figures"],
        responses=Definitions,
    )
    def get(self, request: Request) -> Response:  # noqa: ARG002 - DRF's signature
        version, figures = metrics.DEFINITIONS_VERSION, dict(metrics.DEFINITIONS)
        stripes = {"source": metrics.SOURCE, "definitions": dict(metrics.STRIPES_DEFINITIONS)}
        return Response({"version": version, "definitions": figures, "stripe": stripes})


def _dashboard(merchant: Merchant, *, limit: int) -> dict[str, Any]:
    counted = metrics.Counted(merchant)
    month = metrics.Range.month_to_date(merchant.zone, now=clock.now())
    figures = metrics.together(metrics.totals(counted, month).values())
    recovered = figures.money("recovered", merchant.currency)
    rate = figures.rate("recovery_rate")
    newest = counted.cases.select_related("customer").order_by("-opened_at", "-id")
    return {
        "recovered_mtd": metrics.in_major_units(recovered, merchant.currency),
        "recovery_rate": None if rate is None else float(rate),
        "failed_payments_mtd": figures.count("failed_payments"),
        "roi_multiple": metrics.roi_multiple(merchant, recovered),
        "currency": merchant.currency,
        "by_currency": {
            currency: {
                "recovered_mtd": metrics.in_major_units(
                    figures.money("recovered", currency), currency
                )
            }
            for currency, totals in sorted(figures.totals.items())
            if totals.get("recovered_count")
        },
        "definitions": f"{settings.PUBLIC_URL}{reverse('definitions')}",
        "events": [_event(case, merchant) for case in newest[:limit]],
    }


def _event(case: RecoveryCase, merchant: Merchant) -> dict[str, Any]:
    return {
        "id": case.public_id,
        "customer_email_masked": mask_email(case.customer_email),
        "decline_type": case.decline_type,
        "decline_code": case.decline_code or None,
        "amount": case.amount,
        "currency": case.currency,
        "recovered_amount": metrics.kept(case),
        "date": case.failed_at.astimezone(merchant.zone).date().isoformat(),
        "status": case.status,
    }
