"""What Stripe is told of a run: that Recover asks for the money now, or how the campaign ends.

Stripe's own retries are off before Recover's begin, so the two never overlap
(docs/adr/0007-who-asks-for-the-money.md).
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from dunning import runs
from dunning.models import DunningRun, EndAction
from recovery import cases, operator_tasks, stripe_gateway
from recovery.models import RecoveryCase
from recovery.operator_tasks import TaskKind
from recovery.stripe_errors import NotConnectedError, StripeError, StripeUnavailableError
from recovery.stripe_gateway import StripeGateway

logger = logging.getLogger(__name__)

MOST_TRIES = 12  # over two days


def give(run: DunningRun, *, now: datetime) -> None:
    """Tell Stripe what there is to tell of a claimed run; once it knows, that is over."""
    case = run.case
    try:
        gateway = stripe_gateway.of(case.merchant)
        is_done = (
            _take_over_retries(case, gateway, now=now)
            if run.state == DunningRun.State.LIVE
            else _end(run, gateway)
        )
    except NotConnectedError:
        is_done = True  # there is no Stripe to tell
    except StripeUnavailableError:
        is_done = False
    except StripeError as error:
        _leave_to_a_person(run, str(error), now=now)
        is_done = True
    if not is_done and run.tell_stripe_tries >= MOST_TRIES:
        _leave_to_a_person(run, "it could not be asked for two days", now=now)
        is_done = True
    if is_done:
        runs.stripe_was_told(run)


def _take_over_retries(case: RecoveryCase, gateway: StripeGateway, *, now: datetime) -> bool:
    """Only once Stripe has confirmed that it will not try by itself. One-time payments it never
    tries again."""
    if not case.is_one_time:
        invoice = gateway.stop_retries(case.stripe_invoice_id)
        if invoice.next_payment_attempt_at is not None:
            return False
    cases.retries_are_ours(case=case, now=now)
    return True


def _cancel_subscription(case: RecoveryCase, gateway: StripeGateway) -> None:
    if case.stripe_subscription_id:
        gateway.cancel_subscription(case.stripe_subscription_id)


def _mark_uncollectible(case: RecoveryCase, gateway: StripeGateway) -> None:
    if case.stripe_invoice_id:
        gateway.mark_uncollectible(case.stripe_invoice_id)


ENDINGS: Mapping[str, Callable[[RecoveryCase, StripeGateway], None]] = MappingProxyType(
    {
        EndAction.CANCEL_SUBSCRIPTION: _cancel_subscription,
        EndAction.MARK_UNCOLLECTIBLE: _mark_uncollectible,
    }
)


def _end(run: DunningRun, gateway: StripeGateway) -> bool:
    """A debt that was paid at the last moment costs nobody the subscription."""
    run.case.refresh_from_db(fields=["status"])
    if run.case.is_open:
        ENDINGS[run.campaign.end_action](run.case, gateway)
    return True


def _leave_to_a_person(run: DunningRun, why: str, *, now: datetime) -> None:
    what = (
        "take over the retries" if run.state == DunningRun.State.LIVE
        else EndAction(run.campaign.end_action).label.lower()
    )  # fmt: skip
    logger.warning("Stripe would not %s for case %s: %s", what, run.case.public_id, why)
    operator_tasks.create(
        case=run.case, kind=TaskKind.STRIPE_REFUSED, now=now, once=f"{run.pk}:{run.state}",
        summary=f"Stripe would not {what}: {why}",
    )  # fmt: skip
