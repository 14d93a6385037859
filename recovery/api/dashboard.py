"""GET dashboard: how much came back, and what that was worth (the contract, section 3); GET
metrics/definitions: what each figure means (section 4)."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from recovery import metrics
from recovery.api.views import AnyClientView, InternalView
from recovery.masking import mask_email
from recovery.models import Merchant, RecoveryCase


class DashboardParameters(serializers.Serializer[Any]):
    limit = serializers.IntegerField(default=20, min_value=1, max_value=100)


class DashboardView(InternalView):
    def get(self, request: Request) -> Response:
        parameters = DashboardParameters(data=request.query_params)
        parameters.is_valid(raise_exception=True)
        return Response(_dashboard(self.merchant, limit=parameters.validated_data["limit"]))


class DefinitionsView(AnyClientView):
    def get(self, request: Request) -> Response:  # noqa: ARG002 - DRF's signature
        version, figures = metrics.DEFINITIONS_VERSION, dict(metrics.DEFINITIONS)
        return Response({"version": version, "definitions": figures})


def _dashboard(merchant: Merchant, *, limit: int) -> dict[str, Any]:
    month = metrics.month_to_date(merchant, now=timezone.now())
    rate = month.rate
    newest = metrics.counted_cases(merchant).select_related("customer")
    return {
        "recovered_mtd": metrics.recovered_in_major_units(month.recovered, merchant.currency),
        "recovery_rate": None if rate is None else float(rate),
        "failed_payments_mtd": month.failed_payments,
        "roi_multiple": metrics.roi_multiple(merchant, month.recovered),
        "currency": merchant.currency,
        "by_currency": {
            currency: {
                "recovered_mtd": metrics.recovered_in_major_units(month.recovered, currency)
            }
            for currency in sorted(month.recovered)
        },
        "definitions": f"{settings.PUBLIC_URL}{reverse('definitions')}",
        "events": [
            _event(case, merchant) for case in newest.order_by("-opened_at", "-id")[:limit]
        ],
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
