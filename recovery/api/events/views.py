"""GET events, GET events/{id}."""

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from recovery import clock, metrics
from recovery.api.events.answers import Event, EventDetail, EventList
from recovery.api.events.filters import EventParameters, chosen
from recovery.api.paging import page
from recovery.api.parameters import once_each
from recovery.api.views import ClientView
from recovery.models import Merchant, PaymentAttempt, RecoveryCase, TimelineEntry


class EventsView(ClientView):
    @extend_schema(
        operation_id="list_events",
        summary="List events",
        description="A merchant's cases, the newest first.",
        tags=["Events"],
        parameters=[EventParameters],
        responses=EventList,
    )
    def get(self, request: Request) -> Response:
        asked = EventParameters(
            data=once_each(request.query_params), context={"zone": self.merchant.zone}
        )
        asked.is_valid(raise_exception=True)
        cases = metrics.Counted(self.merchant).cases.select_related("customer")
        found = page(
            chosen(cases, self.merchant, asked.validated_data), by="opened_at",
            of=f"events of {self.merchant.public_id}", parameters=asked.validated_data,
        )  # fmt: skip
        return Response(found.answer(Event(found.rows, many=True).data))


class EventView(ClientView):
    @extend_schema(
        operation_id="get_event",
        summary="Get an event",
        description="One case with every attempt, message, visit and decision, also each not to "
        "act, with its reason.",
        tags=["Events"],
        responses=EventDetail,
    )
    def get(self, request: Request, event_id: str) -> Response:  # noqa: ARG002 - DRF's signature
        in_order = (
            Prefetch("attempts", PaymentAttempt.objects.order_by("attempted_at", "id")),
            Prefetch("timeline", TimelineEntry.objects.order_by("at", "id")),
        )
        case = one_of(cases_of(self.merchant).prefetch_related(*in_order), event_id)
        return Response(EventDetail(case, context={"now": clock.now()}).data)


def cases_of(merchant: Merchant) -> QuerySet[RecoveryCase]:
    return RecoveryCase.objects.of(merchant).select_related("customer")


def one_of(cases: QuerySet[RecoveryCase], event_id: str) -> RecoveryCase:
    """Another merchant's case is as unknown as one that never was: raises NotFound."""
    case = cases.filter(public_id=event_id).first()
    if case is None:
        raise NotFound("There is no such event.")
    return case
