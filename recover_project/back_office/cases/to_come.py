"""What will happen on a case and when, as far as is known now; and when its campaign ends."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from dunning import planning, runs
from dunning.models import DunningRetry, DunningRun, DunningStep, EndAction
from dunning.planning import Plan
from recovery.models import RecoveryCase

Dated = tuple[datetime, str]
Event = Dated | tuple[None, str]  # None: until somebody says so
BY_CHANNEL: Mapping[str, str] = MappingProxyType(
    {
        "email": "The customer is written to: {0}",
        "retry": "Recover asks for the money",
        "webhook": "The merchant's own systems are told: {0}",
        "task": "A person is asked: {0}",
    }
)
AT_THE_END: Mapping[str, str] = MappingProxyType(
    {
        EndAction.LEAVE_OPEN: "the case stays open",
        EndAction.MARK_LOST: "the case is given up",
        EndAction.CANCEL_SUBSCRIPTION: "the subscription is canceled",
        EndAction.MARK_UNCOLLECTIBLE: "the invoice is marked uncollectible",
    }
)
MOST_RETRIES = 5


def events(case: RecoveryCase, *, now: datetime) -> list[Event]:
    """In the order in which they come; none for a closed case."""
    if not case.is_open:
        return []
    if not case.is_paused:
        return _sorted(*_stripes(case, now=now), *_ours(case, now=now))
    if case.paused_until is None:
        return [(None, "The pause ends."), *_sorted(*_stripes(case, now=now))]
    ends_at = max(case.paused_until, now)
    ours = _ours(case, now=ends_at)
    return _sorted(*_stripes(case, now=now), (ends_at, "The pause ends."), *ours)


def _sorted(*events: Dated) -> list[Event]:
    return [*sorted(events, key=lambda event: event[0])]


def _stripes(case: RecoveryCase, *, now: datetime) -> Iterator[Dated]:
    """What comes whether or not the case is paused."""
    if case.settles_at and case.settles_at > now:
        yield case.settles_at, "The customer is left alone until then."
    if case.next_payment_attempt_at and case.next_payment_attempt_at > now:
        yield case.next_payment_attempt_at, "Stripe asks for the money again."


def _ours(case: RecoveryCase, *, now: datetime) -> Iterator[Dated]:
    """What waits for the end of a pause."""
    due = case.retries.filter(state=DunningRetry.State.DUE).order_by("due_at")
    for at in due.values_list("due_at", flat=True)[:MOST_RETRIES]:
        yield max(at, now), "Recover asks for the money again, which a rule had put off."
    live = case.runs.filter(state=DunningRun.State.LIVE)
    if run := live.select_related("campaign").first():
        yield from _of_the_run(run, case, now=now)


def _of_the_run(run: DunningRun, case: RecoveryCase, *, now: datetime) -> Iterator[Dated]:
    assert run.due_at  # noqa: S101 - live_runs_are_due_and_ended_ones_are_not
    due_at = max(run.due_at, now)
    plans = planning.to_come(
        planning.steps_of(run.campaign_id), case=case, next_position=run.next_position,
        due_at=due_at, stepped_at=run.stepped_at,
    )  # fmt: skip
    for plan in plans:
        yield plan.planned.at, _step(plan.step)
    yield _ends_at(run, plans, due_at), _end(run)


def _ends_at(run: DunningRun, plans: Sequence[Plan], due_at: datetime) -> datetime:
    """As dunning/runs.py ends it: the last mail's link works that long."""
    if not plans:
        return due_at
    if run.campaign.end_action == EndAction.LEAVE_OPEN:
        return plans[-1].planned.at
    return plans[-1].planned.at + runs.LAST_CHANCE


def _step(step: DunningStep) -> str:
    if_met = ", if its conditions are met then" if step.conditions else ""
    what = BY_CHANNEL[step.channel].format(f"“{step.template.replace('_', ' ')}”")
    return f"{what}{if_met} (step {step.position})."


def _end(run: DunningRun) -> str:
    return (
        f"{run.campaign} ends. If nobody has paid by then, {AT_THE_END[run.campaign.end_action]}."
    )
