"""A campaign's charges: queued by its steps, asked for by a worker, never twice for one step."""

from datetime import datetime, timedelta

from django.db.models import QuerySet

from dunning import planning
from dunning.models import DunningRetry, DunningRun, DunningStep
from dunning.timing import schedule
from dunning.timing.schedule import Channel, Step
from recovery import attempts, charge_methods, log_context, operator_tasks, timeline
from recovery.attempts import ChargeResult, Outcome
from recovery.backoff import pause
from recovery.charge_methods import NotToBeChargedError
from recovery.charge_results import UNDECIDED
from recovery.mechanisms import AttemptTrigger
from recovery.models import PaymentAttempt, RecoveryCase
from recovery.operator_tasks import TaskKind
from recovery.stripe_errors import (
    ELSEWHERE,
    NoStripeError,
    NotConnectedError,
    StripeError,
    StripeUnavailableError,
)
from recovery.timeline import Kind

BATCH = 100
# A worker that takes longer is mostly dead; if it lives, Stripe knows the question by its key.
LEASE = timedelta(seconds=45)
TOO_LONG = timedelta(days=3)  # a charge that late is no longer the step's
PAUSE_CASE_IS_PAUSED = timedelta(hours=1)
PAUSE_ELSEWHERE = timedelta(days=1)
PAUSED = "the case is paused"  # as the charging rules say it


def queue(*, run: DunningRun, step: DunningStep, now: datetime) -> None:
    DunningRetry.objects.get_or_create(
        run=run, step=step,
        defaults={
            "merchant_id": run.merchant_id, "case_id": run.case_id, "due_at": now,
            "queued_at": now,
        },
    )  # fmt: skip


def waiting(*, now: datetime) -> QuerySet[DunningRetry]:
    """Charges that are to be asked for."""
    return DunningRetry.objects.filter(
        state=DunningRetry.State.DUE, due_at__lte=now, case__is_paused=False
    )


def due(*, now: datetime) -> list[int]:
    first = waiting(now=now).order_by("due_at", "id")
    return list(first.values_list("id", flat=True)[:BATCH])


def work(retry_id: int, *, now: datetime) -> None:
    """Ask for one step's money, if it still should be and nobody else is asking."""
    leased = DunningRetry.objects.filter(
        pk=retry_id, state=DunningRetry.State.DUE, due_at__lte=now
    ).update(due_at=now + LEASE)
    if not leased:
        return
    retry = DunningRetry.objects.select_related(
        "run__campaign", "step", "case__merchant__stripe", "case__customer"
    ).get(pk=retry_id)
    log_context.also(**retry.case.log_ids)
    if why := _not_to_be_asked(retry):
        _refuse(retry, why, now=now)
    elif retry.case.is_elsewhere:
        _wait(retry, ELSEWHERE, until=now + PAUSE_ELSEWHERE)
    elif retry.case.is_paused:
        _wait(retry, PAUSED, until=now + PAUSE_CASE_IS_PAUSED)
    elif retry.case.enrich_at is not None:
        _put_off(retry, "Stripe has not told yet why the payment failed", now=now)
    elif retry.run.campaign.retries != retry.case.retry_driver:
        _put_off(retry, "Stripe has not confirmed yet that its own retries are off", now=now)
    elif night := schedule.into_window(now, planning.where_of(retry.case)):
        _wait(retry, night[-1].rule, until=night[-1].at)
    else:
        _charge(retry, now=now)


def _not_to_be_asked(retry: DunningRetry) -> str:
    if not retry.case.is_open:
        return f"the case is {retry.case.status}"
    if retry.run.retries.filter(pk__gt=retry.pk).exists():
        return "a later step asks for the money"
    return ""


def _charge(retry: DunningRetry, *, now: datetime) -> None:
    case = retry.case
    try:
        method_id = charge_methods.current(case=case, now=now)
    except (NoStripeError, NotToBeChargedError) as error:
        _refuse(retry, str(error), now=now)
        return
    except (NotConnectedError, StripeUnavailableError) as error:
        _put_off(retry, str(error), now=now)
        return
    except StripeError as error:
        _leave_to_a_person(retry, str(error), now=now)
        return
    if not method_id:
        _refuse(retry, "the customer has no payment method", now=now)
        return
    result = attempts.charge(
        case=case, payment_method_id=method_id, trigger=AttemptTrigger.RECOVER,
        is_customer_present=False, step=f"{retry.run_id}.{retry.step.position}", now=now,
    )  # fmt: skip
    _record(retry, result, now=now)


def _record(retry: DunningRetry, result: ChargeResult, *, now: datetime) -> None:
    if result.outcome is Outcome.NOT_YET and result.from_at:
        _wait(retry, result.rule, until=_in_the_window(retry.case, result.from_at))
        return
    if result.rule == PAUSED:
        _wait(retry, PAUSED, until=now + PAUSE_CASE_IS_PAUSED)
        return
    if result.outcome is Outcome.PENDING and attempts.is_under_way(retry.case):
        _save(retry, state=DunningRetry.State.DONE, result="a bank works on the payment")
        return
    if result.outcome in UNDECIDED:
        _put_off(retry, str(result.outcome), now=now)
        return
    is_refused = result.outcome is Outcome.REFUSED
    state = DunningRetry.State.REFUSED if is_refused else DunningRetry.State.DONE
    _save(retry, state=state, result=result.rule or str(result.outcome))


def _in_the_window(case: RecoveryCase, from_at: datetime) -> datetime:
    """A charge that has to wait is made when the customer's day allows it."""
    step = Step(position=1, delay=timedelta(0), channel=Channel.RETRY)
    planned = schedule.plan_next(
        [step], failed_at=from_at, stepped_at=None, now=from_at, where=planning.where_of(case)
    )
    return planned.at if planned else from_at


def _wait(retry: DunningRetry, why: str, *, until: datetime) -> None:
    _save(retry, state=DunningRetry.State.DUE, result=why, due_at=until)


def _put_off(retry: DunningRetry, why: str, *, now: datetime) -> None:
    """Stripe can't be asked, or hasn't answered: again later, but not for ever."""
    retry.tries += 1
    if now < retry.queued_at + TOO_LONG:
        at = _in_the_window(retry.case, now + pause(retry.tries))
        _save(retry, state=DunningRetry.State.DUE, result=why, due_at=at)
    elif _was_asked_for(retry):
        timeline.append(
            case=retry.case, kind=Kind.ATTEMPT_UNRESOLVED, at=now, once=f"unresolved:{retry.pk}",
            summary=f"{retry.step.called}: whether it was charged is not known, see at Stripe.",
        )  # fmt: skip
        _leave_to_a_person(retry, "whether it was charged is not known", now=now)
    else:
        _leave_to_a_person(retry, f"it could not be asked for in three days ({why})", now=now)


def _was_asked_for(retry: DunningRetry) -> bool:
    """A claim whose answer never came: the charge may have been made."""
    ours = retry.case.attempts.filter(trigger=AttemptTrigger.RECOVER)
    return ours.filter(state=PaymentAttempt.State.CLAIMED).exists()


def _refuse(retry: DunningRetry, why: str, *, now: datetime) -> None:
    _save(retry, state=DunningRetry.State.REFUSED, result=why)
    timeline.append(
        case=retry.case, kind=Kind.STEP_SKIPPED, at=now,
        once=f"skipped:{retry.run_id}:{retry.step.position}",
        summary=f"{retry.step.called} was skipped: {why}.", rule=why,
        facts={"step": retry.step.position, "channel": str(Channel.RETRY)},
    )  # fmt: skip


def _leave_to_a_person(retry: DunningRetry, why: str, *, now: datetime) -> None:
    _refuse(retry, why, now=now)
    operator_tasks.create(
        case=retry.case, kind=TaskKind.CHARGE_REFUSED, now=now, once=why,
        summary=f"The payment was not asked for again: {why}.",
    )  # fmt: skip


def _save(
    retry: DunningRetry, *, state: DunningRetry.State, result: str, due_at: datetime | None = None
) -> None:
    retry.state, retry.result = state, result[:200]
    retry.due_at = due_at or retry.due_at
    retry.save(update_fields=["state", "result", "due_at", "tries"])
