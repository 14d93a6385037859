"""The one writer of runs: they start for open cases, take their steps and end."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q

from dunning import campaigns
from dunning.models import DunningMessage, DunningRun, DunningStep
from dunning.schedule import (
    WHOLE_DAY,
    Channel,
    DelayFrom,
    Planned,
    Step,
    Where,
    plan_next,
)
from recovery import timeline
from recovery.models import RecoveryCase
from recovery.state_machine import Status
from recovery.timeline import Kind

BATCH = 200


def cases_to_start(*, now: datetime) -> list[RecoveryCase]:
    """Open cases that no run has worked yet and that have settled."""
    waiting = RecoveryCase.objects.filter(status=Status.OPEN, runs=None, is_paused=False)
    settled = waiting.filter(Q(settles_at=None) | Q(settles_at__lte=now))
    connected = settled.filter(merchant__stripe__disconnected_at=None)
    return list(connected.select_related("merchant", "customer").order_by("id")[:BATCH])


def start(case: RecoveryCase, *, now: datetime) -> DunningRun | None:
    """A run of the campaign that takes the case; None if another was quicker."""
    choice = campaigns.choose(case, now=now)
    campaign = choice.campaign
    due = _next(campaign_steps(campaign.pk), case, now=now)
    if due is None:
        return None
    try:
        with transaction.atomic():
            run = DunningRun.objects.create(
                merchant=case.merchant, case=case, campaign=campaign, started_at=now,
                next_position=due.position, due_at=due.at,
            )  # fmt: skip
    except IntegrityError:
        return None  # another worker started the case's one live run
    timeline.append(
        case=case, kind=Kind.DUNNING_STARTED, once=f"run:{run.pk}", at=now,
        summary=f"{campaign} was started.", rule=choice.rule,
        facts=choice.facts,
    )  # fmt: skip
    return run


def campaign_steps(campaign_id: int) -> list[Step]:
    return [
        Step(step.position, step.delay, Channel(step.channel), DelayFrom(step.delay_from))
        for step in DunningStep.objects.filter(campaign_id=campaign_id).order_by("position")
    ]


def _next(
    steps: list[Step], case: RecoveryCase, *, now: datetime, after: int = 0
) -> Planned | None:
    where = Where(zone=case.merchant.zone, country="", window=WHOLE_DAY, decline_code="")
    return plan_next(
        steps, failed_at=case.failed_at, stepped_at=None, now=now, where=where, after=after
    )


@transaction.atomic
def take_due_steps(*, now: datetime) -> list[int]:
    """Queue the messages of steps that are due; returns their ids. Runs of closed cases end,
    those of paused ones wait."""
    due = DunningRun.objects.filter(
        state=DunningRun.State.LIVE, due_at__lte=now, case__is_paused=False
    )
    batch = due.select_for_update(skip_locked=True, of=("self",)).select_related(
        "case__merchant", "campaign"
    )
    queued = []
    for run in batch.order_by("due_at", "id")[:BATCH]:
        if run.case.is_open:
            queued.append(_take_step(run, now=now))
        else:
            end(
                run,
                state=DunningRun.State.STOPPED,
                reason=f"the case is {run.case.status}",
                now=now,
            )
    return queued


def _take_step(run: DunningRun, *, now: datetime) -> int:
    """Steps that came due while nobody looked, or while the case was paused, collapse too."""
    steps = campaign_steps(run.campaign_id)
    due = _next(steps, run.case, now=now, after=run.next_position - 1)
    assert due  # noqa: S101 - a live run has a next step
    step = run.campaign.steps.get(position=due.position)
    message, _created = DunningMessage.objects.get_or_create(
        run=run, step=step,
        defaults={"merchant_id": run.merchant_id, "case": run.case, "due_at": now},
    )  # fmt: skip
    following = _next(steps, run.case, now=now, after=due.position)
    if following is None:
        end(run, state=DunningRun.State.FINISHED, reason="every step was taken", now=now)
    else:
        run.next_position, run.due_at = following.position, following.at
        run.save(update_fields=["next_position", "due_at"])
    return message.pk


def end(run: DunningRun, *, state: DunningRun.State, reason: str, now: datetime) -> None:
    run.state, run.reason, run.ended_at, run.due_at = state, reason, now, None
    run.save(update_fields=["state", "reason", "ended_at", "due_at"])
    timeline.append(
        case=run.case, kind=Kind.DUNNING_ENDED, once=f"run ended:{run.pk}", at=now,
        summary=f"Dunning ended: {reason}.",
    )  # fmt: skip


def stop_for_closed_cases(*, now: datetime) -> None:
    """From a close to silence in seconds, also where the next step is days away."""
    closed = DunningRun.objects.filter(state=DunningRun.State.LIVE).exclude(
        case__status=Status.OPEN
    )
    for run in closed.select_related("case")[:BATCH]:
        with transaction.atomic():
            live = DunningRun.objects.select_for_update().filter(
                pk=run.pk, state=DunningRun.State.LIVE
            )
            if found := live.select_related("case").first():
                end(
                    found, state=DunningRun.State.STOPPED, now=now,
                    reason=f"the case is {found.case.status}",
                )  # fmt: skip
