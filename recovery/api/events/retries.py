"""POST events/{id}/retry: the money is asked for now, if the charging rules allow it."""

import hashlib
from datetime import datetime

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from recovery import clock, operator_charges
from recovery.api.conflicts import ConflictError
from recovery.api.events.answers import ChargedEvent
from recovery.api.events.views import cases_of, one_of
from recovery.api.idempotency import HEADER
from recovery.api.parameters import Parameters
from recovery.api.views import ClientView
from recovery.charge_results import ChargeResult, Outcome
from recovery.models import RecoveryCase

SAID = {
    Outcome.PAID: "The payment went through.",
    Outcome.ALREADY_PAID: "The money is already back.",
    Outcome.DECLINED: "The payment was declined.",
    Outcome.NEEDS_AUTHENTICATION: "The bank wants the cardholder to confirm the payment.",
    Outcome.PENDING: "The payment is under way; the bank takes its time.",
}


class StripeUnavailableError(APIException):
    """Whether something was charged is not known; asked again, the answer tells."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "stripe_unavailable"
    default_detail = "Stripe can't be asked now. Send the same request again."
    wait = 30  # seconds


class RetryView(ClientView):
    """The body is empty: what is charged is what Stripe would charge."""

    @extend_schema(
        operation_id="retry_event",
        summary="Ask for the money now",
        description="By the payment method that Stripe would charge, if the card networks' rules "
        "allow it. A charge that was declined is an answer too: `outcome` says so.",
        tags=["Events"],
        request=None,
        responses={200: ChargedEvent, 202: ChargedEvent, 503: None},
    )
    def post(self, request: Request, event_id: str) -> Response:
        now = clock.now()
        cases = cases_of(self.merchant).select_related("customer", "merchant__stripe")
        case = one_of(cases, event_id)
        Parameters(data=request.data).is_valid(raise_exception=True)
        result = operator_charges.charge(
            case=case, step=_step(request, case, now), actor=self.client.actor, now=now
        )
        _refuse(result)
        case.refresh_from_db()
        answer = {"outcome": result.outcome, "message": SAID[result.outcome], "event": case}
        is_pending = result.outcome is Outcome.PENDING
        code = status.HTTP_202_ACCEPTED if is_pending else status.HTTP_200_OK
        return Response(ChargedEvent(answer).data, status=code)


def _step(request: Request, case: RecoveryCase, now: datetime) -> str:
    """The same for a request that is sent again; without a key, for one within a minute."""
    if key := request.headers.get(HEADER):
        return hashlib.sha256(key.encode()).hexdigest()[:32]
    return operator_charges.step_of_click(case=case, now=now)


def _refuse(result: ChargeResult) -> None:
    if result.outcome is Outcome.UNAVAILABLE:
        raise StripeUnavailableError
    told = {"rule": result.rule, "source": result.source, "earliest_at": None}
    if result.outcome is Outcome.NOT_YET and result.from_at:
        at = f"{result.from_at:%Y-%m-%dT%H:%M:%SZ}"
        message = f"Not charged before {at}: {result.rule}."
        raise ConflictError("charge_not_yet", message, told | {"earliest_at": at})
    if result.outcome is Outcome.REFUSED:
        message = f"Not charged: {result.rule.removesuffix('.')}."
        raise ConflictError("charge_refused", message, told)
