"""One run: the endpoint, what was missed, what has moved; and what a person has to do."""

from collections.abc import Callable
from datetime import datetime

from recovery import operator_tasks, permissions, stripe_gateway
from recovery.models import Reconciliation
from recovery.operator_tasks import TaskKind
from recovery.reconciliation import missed_events, moved_cases, own_endpoint
from recovery.reconciliation.rows import Outcome
from recovery.stripe_errors import (
    MissingPermissionError,
    NoStripeError,
    NotConnectedError,
    StripeError,
    StripeUnavailableError,
)
from recovery.stripe_gateway import StripeGateway

Step = Callable[..., bool]
# The endpoint first: as long as it is broken, events are missed.
STEPS: tuple[Step, ...] = (own_endpoint.look_after, missed_events.take_in, moved_cases.look)


def carry_out(run: Reconciliation, *, now: datetime) -> Outcome:
    """Compare, mend and keep what was found on `run`. Stripe's refusals are part of the outcome.
    Raises OvertakenError."""
    errors: list[str] = []
    is_complete = True
    try:
        gateway = stripe_gateway.of(run.merchant)
        for step in STEPS:
            is_complete &= _take(step, run, gateway, errors, now=now)
    except StripeUnavailableError as error:
        errors.append(f"Stripe can't be asked now: {error}")
        return Outcome(" ".join(errors), is_complete=False, is_unavailable=True)
    except NotConnectedError as error:
        errors.append(str(error))
        _tell_of_lost_access(run, error, now=now)
        is_complete = True
    return Outcome(" ".join(errors), is_complete=is_complete)


def _take(
    step: Step, run: Reconciliation, gateway: StripeGateway, errors: list[str], *, now: datetime
) -> bool:
    """What one step may not do keeps none of the others from what they may."""
    try:
        return step(run, gateway, now=now)
    except (NotConnectedError, StripeUnavailableError):
        raise
    except MissingPermissionError as error:
        if not run.merchant.stripe.api_key and not error.permission:
            raise NotConnectedError("Stripe lets Recover no longer act for the account.") from None
        errors.append(_tell_of_missing(run, error, now=now))
    except StripeError as error:
        errors.append(f"Stripe says: {error}")
    return True


def _tell_of_missing(run: Reconciliation, error: MissingPermissionError, *, now: datetime) -> str:
    what = permissions.purpose(error.permission)
    told = f"The key lacks {permissions.named(error.permission)}"
    told += f", by which {what}." if what else "."
    if run.merchant.stripe.api_key:  # the platform's own is no merchant's to mend
        operator_tasks.create_unless_open(
            merchant=run.merchant, kind=TaskKind.PERMISSION_MISSING, once=f"run {run.pk}", now=now,
            summary=f"{told} Allow it in Stripe's dashboard, under Developers → API keys.",
        )  # fmt: skip
    return told


def _tell_of_lost_access(run: Reconciliation, error: StripeError, *, now: datetime) -> None:
    if isinstance(error, NoStripeError):
        return  # the platform's own key is missing: no merchant can mend that
    operator_tasks.create_unless_open(
        merchant=run.merchant, kind=TaskKind.KEY_REFUSED, once=f"run {run.pk}", now=now,
        summary=f"{error} Until Stripe is connected again, under Settings → Stripe, nothing is "
        "compared with it, and what it no longer tells is missed.",
    )  # fmt: skip
