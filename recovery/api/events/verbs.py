"""POST events/{id}/pause, /resume, /close: what a merchant's people decide."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from recovery import cases, clock
from recovery.api.conflicts import ConflictError
from recovery.api.events.answers import HandledEvent
from recovery.api.events.filters import Moment
from recovery.api.events.views import cases_of, one_of
from recovery.api.parameters import Parameters
from recovery.api.views import ClientView
from recovery.cases import ClosedCaseError, Handled


class PauseBody(Parameters):
    until = Moment(required=False, allow_null=True, default=None)

    def validate_until(self, until: datetime | None) -> datetime | None:
        if until is not None and until <= self.context["now"]:
            raise serializers.ValidationError("This time is over.")
        return until


class CloseBody(Parameters):
    reason = serializers.CharField(
        max_length=200, required=False, allow_blank=True, default="", help_text="In your words."
    )


class VerbView(ClientView):
    """Does `verb` with what the body says; `done` and `known` tell that it was, or was before."""

    body: type[Parameters] = Parameters
    verb: ClassVar[Callable[..., Handled]]
    done: str
    known: str

    def post(self, request: Request, event_id: str) -> Response:
        now = clock.now()
        case = one_of(cases_of(self.merchant), event_id)
        asked = self.body(data=request.data, context={"zone": self.merchant.zone, "now": now})
        asked.is_valid(raise_exception=True)
        facts: dict[str, Any] = asked.validated_data
        try:
            handled = type(self).verb(case=case, actor=self.client.actor, now=now, **facts)
        except ClosedCaseError as error:
            why = {"status": error.case.status, "rule": str(error)}
            raise ConflictError("event_closed", f"Nothing was done: {error}.", why) from error
        told = self.done if handled.is_changed else self.known
        answer = {"is_changed": handled.is_changed, "message": told, "event": handled.case}
        return Response(HandledEvent(answer).data)


@extend_schema_view(
    post=extend_schema(
        operation_id="pause_event",
        summary="Pause an event",
        description="Nobody is written to and nothing is charged, until it is resumed or `until` "
        "comes. Paying remains possible.",
        tags=["Events"],
        request=PauseBody,
        responses=HandledEvent,
    )
)
class PauseView(VerbView):
    body = PauseBody
    verb = staticmethod(cases.pause)
    done, known = "The case is paused.", "The case was paused already."


@extend_schema_view(
    post=extend_schema(
        operation_id="resume_event",
        summary="Resume an event",
        description="It goes on where the campaign is by now; steps that came due are one.",
        tags=["Events"],
        request=None,
        responses=HandledEvent,
    )
)
class ResumeView(VerbView):
    verb = staticmethod(cases.resume)
    done, known = "The case goes on.", "The case was not paused."


@extend_schema_view(
    post=extend_schema(
        operation_id="close_event",
        summary="Give an event up",
        description="The case is lost, unless the money comes after all. Nobody is written to any "
        "more.",
        tags=["Events"],
        request=CloseBody,
        responses=HandledEvent,
    )
)
class CloseView(VerbView):
    body = CloseBody
    verb = staticmethod(cases.close)
    done, known = "The case is given up.", "The case was given up already."
