"""Whether Stripe tells of payments at all: the endpoint that connecting made."""

from datetime import datetime

from recovery import endpoints, operator_tasks
from recovery.models import Reconciliation
from recovery.operator_tasks import TaskKind
from recovery.reconciliation import rows
from recovery.stripe_errors import RefusedError, StripeError, TooManyEndpointsError
from recovery.stripe_gateway import StripeGateway

EndpointState = Reconciliation.EndpointState


def look_after(run: Reconciliation, gateway: StripeGateway, *, now: datetime) -> bool:
    """Mend it if need be; what isn't ours to mend is left alone. Raises StripeError."""
    connection = run.merchant.stripe
    if not connection.api_key:
        rows.note(run, endpoint=EndpointState.PLATFORMS)
    elif not connection.endpoint_id:
        rows.note(run, endpoint=EndpointState.BY_HAND)
    else:
        _mend(run, gateway, now=now)
    return True


def _mend(run: Reconciliation, gateway: StripeGateway, *, now: datetime) -> None:
    try:
        mended = endpoints.mend(run.merchant, gateway)
    except StripeError as error:
        rows.note(run, endpoint=EndpointState.LEFT)
        if isinstance(error, RefusedError | TooManyEndpointsError):
            operator_tasks.create_unless_open(
                merchant=run.merchant, kind=TaskKind.ENDPOINT_LOST, once=f"run {run.pk}", now=now,
                summary="Stripe doesn't tell Recover of payments as it should, and the endpoint "
                f"can't be mended. Stripe says: {error}",
            )  # fmt: skip
        raise
    rows.note(run, endpoint=EndpointState(mended))
