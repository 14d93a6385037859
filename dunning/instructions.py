"""What Stripe is told of a run: that Recover asks for the money now, or how the campaign ends.

Stripe's own retries are off before Recover's begin, so the two never overlap
(docs/adr/0007-who-asks-for-the-money.md).
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from dunning import runs
from dunning.mail import truth
from dunning.mail.truth import StaleError
from dunning.models import DunningRun, EndAction
from recovery import attempts, cases, operator_tasks, stripe_gateway, timeline
from recovery.models import RecoveryCase
from recovery.operator_tasks import TaskKind
from recovery.state_machine import Trigger
from recovery.stripe_errors import (
    NoStripeError,
    NotConnectedError,
    ObjectMissingError,
    StripeError,
    StripeUnavailableError,
)
from recovery.timeline import Actor, Kind

logger = logging.getLogger(__name__)

TOO_LONG = timedelta(days=1)  # then a person hears of it; Stripe goes on being asked


def give(run: DunningRun, *, now: datetime) -> None:
    """Tell Stripe what there is to tell of a claimed run, until that is done."""
    work = _take_over_retries if run.state == DunningRun.State.LIVE else _end
    run.case.refresh_from_db()
    if run.case.is_elsewhere:
        return  # it rests, and so does what there is to tell
    try:
        is_done = work(run, now)
    except (NotConnectedError, StripeUnavailableError, StaleError) as error:
        is_done = False
        if now >= (run.ended_at or run.started_at) + TOO_LONG:
            _leave_to_a_person(run, str(error), now=now)
    except StripeError as error:
        _leave_to_a_person(run, str(error), now=now)
        is_done = True
    if is_done:
        runs.stripe_was_told(run)


# --- who asks for the money -------------------------------------------------------------------


def _take_over_retries(run: DunningRun, now: datetime) -> bool:
    """Only once Stripe has confirmed that it will not try by itself. One-time payments it never
    tries again."""
    case = run.case
    if not case.is_open:
        return True
    if not case.is_one_time:
        try:
            invoice = stripe_gateway.of_debt(case).stop_retries(case.stripe_invoice_id)
        except NoStripeError:
            return True
        if invoice.next_payment_attempt_at is not None:
            return False
    cases.retries_are_ours(case=case, now=now)
    return True


# --- how a campaign ends ----------------------------------------------------------------------


def _mark_lost(case: RecoveryCase, now: datetime) -> None:
    cases.advance(
        case=case, trigger=Trigger.CAMPAIGN_ENDED, at=now, now=now, once="campaign",
        actor=Actor.RECOVER,
    )  # fmt: skip


def _cancel_subscription(case: RecoveryCase, now: datetime) -> None:
    """Where it was canceled before the payment failed, no event will tell of it."""
    if not case.stripe_subscription_id:
        return
    try:
        stripe_gateway.of_debt(case).cancel_subscription(case.stripe_subscription_id)
    except ObjectMissingError:
        _mark_lost(case, now)


def _mark_uncollectible(case: RecoveryCase, _now: datetime) -> None:
    if case.stripe_invoice_id:
        stripe_gateway.of_debt(case).mark_uncollectible(case.stripe_invoice_id)


ENDINGS: Mapping[str, Callable[[RecoveryCase, datetime], None]] = MappingProxyType(
    {
        EndAction.MARK_LOST: _mark_lost,
        EndAction.CANCEL_SUBSCRIPTION: _cancel_subscription,
        EndAction.MARK_UNCOLLECTIBLE: _mark_uncollectible,
    }
)


def _end(run: DunningRun, now: datetime) -> bool:
    """A debt that was paid at the last moment costs nobody the subscription: Stripe is asked
    first, and a payment that is under way is waited for."""
    case, action = run.case, EndAction(run.campaign.end_action)
    if case.is_paused or attempts.is_under_way(case):
        return False
    truth.ask(case, now=now)
    case.refresh_from_db()
    if not case.is_open:
        _tell(run, f"Not done: {action.label.lower()}; the case is {case.status}.", now=now)
        return True
    try:
        ENDINGS[action](case, now)
    except NoStripeError:
        _leave_to_a_person(run, "no Stripe account is connected", now=now)
        return True
    _tell(run, f"Nobody paid, so as the campaign says: {action.label.lower()}.", now=now)
    return True


def _tell(run: DunningRun, summary: str, *, now: datetime) -> None:
    timeline.append(
        case=run.case, kind=Kind.CAMPAIGN_CONCLUDED, at=now, once=f"concluded:{run.pk}",
        summary=summary, rule=f"the campaign's end: {run.campaign.end_action}",
        source="the merchant's campaign", facts={"end_action": run.campaign.end_action},
    )  # fmt: skip


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
