"""The one writer of runs: they start for open cases, take their steps and end."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from dunning import campaigns
from dunning.models import DunningMessage, DunningRun, DunningStep
from dunning.schedule import Due, Planned, first_due
from recovery import timeline
from recovery.batches import apart, pages
from recovery.declines import DeclineType
from recovery.models import RecoveryCase
from recovery.state_machine import Status
from recovery.timeline import Kind

BATCH = 200
PAUSE = timedelta(minutes=10)  # before a run that failed is tried again


def cases_to_start(*, now: datetime) -> Iterator[RecoveryCase]:
    """Open cases that no run has worked yet and that have settled."""
    waiting = RecoveryCase.objects.filter(status=Status.OPEN, runs=None, is_paused=False)
    settled = waiting.filter(Q(settles_at=None) | Q(settles_at__lte=now))
    connected = settled.filter(merchant__stripe__disconnected_at=None)
    return pages(connected.select_related("merchant"), size=BATCH)


def start(case: RecoveryCase, *, now: datetime) -> DunningRun | None:
    """A run of the merchant's campaign for this type of decline; None if another was quicker."""
    campaign = campaigns.current(
        merchant=case.merchant, decline_type=DeclineType(case.decline_type)
    )
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
        summary=f"{campaign} was started.", rule=f"campaign for {case.decline_type} declines",
        facts={"campaign": campaign.name, "version": campaign.version},
    )  # fmt: skip
    return run


def campaign_steps(campaign_id: int) -> list[Planned]:
    return [
        Planned(step.position, step.delay)
        for step in DunningStep.objects.filter(campaign_id=campaign_id).order_by("position")
    ]


def _next(
    steps: list[Planned], case: RecoveryCase, *, now: datetime, after: int = 0
) -> Due | None:
    # A failure lies behind us, also where Stripe's clock is ahead of ours.
    failed_at = min(case.failed_at, case.opened_at)
    return first_due(steps, failed_at=failed_at, not_before=now, after=after)


@transaction.atomic
def take_due_steps(*, now: datetime) -> list[int]:
    """Queue the messages of steps that are due; returns their ids. Runs of closed cases end,
    those of paused ones wait. One that fails is put off, or it would be at the head for ever."""
    due = DunningRun.objects.filter(
        state=DunningRun.State.LIVE, due_at__lte=now, case__is_paused=False,
        case__merchant__stripe__disconnected_at=None,
    )  # fmt: skip
    batch = due.select_for_update(skip_locked=True, of=("self",)).select_related(
        "case", "campaign"
    )
    queued: list[int] = []
    taken = list(batch.order_by("due_at", "id")[:BATCH])
    DunningRun.objects.filter(pk__in=[run.pk for run in taken]).update(due_at=now + PAUSE)
    for run in taken:
        with apart(f"Run {run.pk}"), transaction.atomic():
            if run.case.is_open:
                queued.append(_take_step(run, now=now))
            else:
                _stop(run, now=now)
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
    live = DunningRun.objects.filter(state=DunningRun.State.LIVE)
    for run in pages(live.exclude(case__status=Status.OPEN), size=BATCH):
        with apart(f"Run {run.pk}"), transaction.atomic():
            locked = live.select_for_update(of=("self",)).select_related("case")
            if found := locked.filter(pk=run.pk).first():
                _stop(found, now=now)


def _stop(run: DunningRun, *, now: datetime) -> None:
    end(run, state=DunningRun.State.STOPPED, reason=f"the case is {run.case.status}", now=now)
