"""The log of what was sent to a merchant's own endpoints, and sending again."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from recovery import clock, outbound_delivery
from recovery.api.paging import PageParameters, page
from recovery.api.parameters import once_each
from recovery.api.views import ClientView
from recovery.api.webhook_registrations import OneWebhookView, refusals
from recovery.api.webhook_shapes import Deliveries, Delivery, DeliveryInFull
from recovery.models import WebhookDelivery


class DeliveriesView(OneWebhookView):
    @extend_schema(
        operation_id="list_deliveries",
        summary="List deliveries",
        description="The log of one webhook, the newest first.",
        tags=["Webhooks"],
        parameters=[PageParameters],
        responses=Deliveries,
    )
    def get(self, request: Request, webhook_id: str) -> Response:
        registration = self.registration(webhook_id)
        parameters = PageParameters(data=once_each(request.query_params))
        parameters.is_valid(raise_exception=True)
        found = page(
            outbound_delivery.deliveries(registration=registration), by="created_at",
            of=f"deliveries of {webhook_id}", parameters=parameters.validated_data,
        )  # fmt: skip
        return Response(found.answer(Delivery(found.rows, many=True).data))


class OneDeliveryView(ClientView):
    """What is asked of one of the merchant's deliveries."""

    def delivery(self, delivery_id: str) -> WebhookDelivery:
        log = WebhookDelivery.objects.of(self.merchant)
        return get_object_or_404(
            log.select_related("registration", "notice", "case"), public_id=delivery_id
        )


class DeliveryView(OneDeliveryView):
    @extend_schema(
        operation_id="get_delivery",
        summary="Get a delivery",
        description="With what was sent and the beginning of what was answered.",
        tags=["Webhooks"],
        responses=DeliveryInFull,
    )
    def get(self, request: Request, delivery_id: str) -> Response:  # noqa: ARG002
        return Response(DeliveryInFull(self.delivery(delivery_id)).data)


class ResendView(OneDeliveryView):
    @extend_schema(
        operation_id="resend_delivery",
        summary="Send again",
        description="The same message under the same id, whatever became of it, with all its "
        "tries before it.",
        tags=["Webhooks"],
        request=None,
        responses={202: Delivery},
    )
    def post(self, request: Request, delivery_id: str) -> Response:  # noqa: ARG002
        delivery = self.delivery(delivery_id)
        with refusals():
            sent = outbound_delivery.resend(delivery=delivery, now=clock.now())
        return Response(Delivery(sent).data, status=status.HTTP_202_ACCEPTED)
