"""The one writer of runs: they start for open cases, take their steps and end."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Max, Q, QuerySet

from billing_portal import links
from dunning import campaigns, closings, planning
from dunning import steps as campaign_steps
from dunning.campaigns import Choice
from dunning.models import (
    DunningCampaign,
    DunningMessage,
    DunningRetry,
    DunningRun,
    DunningStep,
    EndAction,
)
from dunning.planning import Plan
from recovery import cases, log_context, timeline
from recovery.backoff import pause
from recovery.batches import apart, pages
from recovery.charging_rules import RetryDriver
from recovery.models import RecoveryCase
from recovery.state_machine import Status
from recovery.timeline import Actor, Kind

BATCH = 200
STEPS_AT_ONCE = 50
TOLD_AT_ONCE = 20  # runs of which one worker tells Stripe, a request for each
LEASE = timedelta(seconds=45)  # of a batch: a worker that takes longer is dead
PAUSE = timedelta(minutes=10)  # before a run that failed is tried again
# The link in the last mail works that long: nothing is given up before.
LAST_CHANCE = links.LIFETIME
CHOSEN_BY_HAND = "a person chose it"
EVERY_STEP_WAS_TAKEN = "every step was taken"
STRIPE_TELLS_WITHIN = timedelta(minutes=15)
LAST_CHARGE_IS_HEARD = timedelta(days=1)
LAST_MAIL_GOES = timedelta(days=1)


def cases_to_start(*, now: datetime, after_id: int = 0) -> Iterator[RecoveryCase]:
    """Open cases that no run has worked yet and that have settled, by their ids."""
    waiting = RecoveryCase.objects.filter(
        pk__gt=after_id, status=Status.OPEN, is_taken_up=False, is_paused=False
    )
    here = waiting.filter(cases.settled(now), cases.here())
    # What Stripe could not tell yet may choose another campaign; nobody waits for it long.
    known = Q(enrich_at=None) | Q(opened_at__lte=now - STRIPE_TELLS_WITHIN)
    return pages(here.filter(known).select_related("merchant", "customer"), size=BATCH)


@transaction.atomic
def start(case: RecoveryCase, *, now: datetime) -> DunningRun | None:
    """A run of the campaign that fits the case; None if another worker was quicker or is at it,
    or the case has closed meanwhile: nobody would hear of that again."""
    held = cases.locked_if_free(case)
    if held is None or held.is_taken_up or not held.is_open:
        return None
    if case.runs.exists():  # a worker of an older Recover began it, and left no word
        cases.is_taken_up(case)
        return None
    return _begin(case, campaigns.choose(case, now=now), actor=Actor.RECOVER, now=now)


def _begin(case: RecoveryCase, choice: Choice, *, actor: str, now: datetime) -> DunningRun | None:
    campaign = choice.campaign
    steps = planning.steps_of(campaign.pk)
    plan = planning.next_step(steps, case=case, stepped_at=None, now=now)
    if plan is None:
        return None
    try:
        with transaction.atomic():
            run = DunningRun.objects.create(
                merchant=case.merchant, case=case, campaign=campaign, started_at=now,
                next_position=plan.planned.position, due_at=plan.planned.at,
                tell_stripe_at=now if campaign.retries == RetryDriver.RECOVER else None,
            )  # fmt: skip
    except IntegrityError:
        return None  # another worker started the case's one live run
    cases.is_taken_up(case)
    timeline.append(
        case=case, kind=Kind.DUNNING_STARTED, once=f"run:{run.pk}", at=now,
        summary=f"{campaign} was started.", rule=choice.rule, source="the merchant's campaigns",
        actor=actor,
        facts={"campaign": campaign.name, "version": campaign.version, **choice.facts},
    )  # fmt: skip
    _tell(run, steps, plan, now=now)
    return run


class NotReassignedError(Exception):
    """The case stays with its campaign; says why."""


@transaction.atomic
def reassign(
    *, case: RecoveryCase, campaign: DunningCampaign, actor: str, now: datetime
) -> DunningRun:
    """End the live run and begin anew under another campaign that is in use, whatever its
    conditions: a person chose it. Of its steps that are due already the latest is taken. Raises
    NotReassignedError."""
    case = cases.locked(case)
    if not case.is_open:
        raise NotReassignedError(f"the case is {case.status}")
    campaign = DunningCampaign.objects.select_for_update().get(pk=campaign.pk)
    if campaign.merchant_id != case.merchant_id or campaign.state != campaign.State.CURRENT:
        raise NotReassignedError("the campaign is not in use")
    live = DunningRun.objects.select_for_update().filter(case=case, state=DunningRun.State.LIVE)
    if run := live.select_related("campaign").first():
        if run.campaign_id == campaign.pk:
            raise NotReassignedError(f"it is worked by {campaign} already")
        end(run, state=DunningRun.State.STOPPED, reason="another campaign was chosen", now=now)
    begun = _begin(case, Choice(campaign, CHOSEN_BY_HAND, {}), actor=actor, now=now)
    if begun is None:
        raise NotReassignedError(f"{campaign} has no step that is still to come for this case")
    return begun


def take_due_steps(*, now: datetime) -> list[int]:
    """Take the steps that are due; returns the ids of the messages they queued. Runs of closed
    cases end, those of paused ones wait. One that fails holds up none of the others."""
    queued: list[int] = []
    for run_id in _lease(now=now):
        with apart(f"Run {run_id}"):
            if message_id := _take_due_step(run_id, now=now):
                queued.append(message_id)
            continue
        _put_off(run_id, now=now)
    return queued


@transaction.atomic
def _take_due_step(run_id: int, *, now: datetime) -> int | None:
    live = DunningRun.objects.filter(pk=run_id, state=DunningRun.State.LIVE, due_at=now + LEASE)
    locked = live.select_for_update(of=("self",)).select_related(
        "case__merchant", "case__customer", "campaign"
    )
    run = locked.first()  # none that another worker has taken since: our lease was over
    if run is None:
        return None
    log_context.also(**run.case.log_ids)
    return _go_on(run, now=now)


def _put_off(run_id: int, *, now: datetime) -> None:
    still_ours = DunningRun.objects.filter(pk=run_id, due_at=now + LEASE)
    still_ours.update(due_at=now + PAUSE)


def due(*, now: datetime) -> QuerySet[DunningRun]:
    """Runs whose next step is to be taken."""
    return DunningRun.objects.filter(
        cases.here("case__"), state=DunningRun.State.LIVE, due_at__lte=now, case__is_paused=False
    )


@transaction.atomic
def _lease(*, now: datetime) -> list[int]:
    """Runs that are ours to work; each is worked in a transaction of its own, which sets its real
    next time."""
    rows = due(now=now).select_for_update(skip_locked=True, of=("self",))
    batch = rows.order_by("due_at", "id")
    leased = list(batch.values_list("id", flat=True)[:STEPS_AT_ONCE])
    DunningRun.objects.filter(pk__in=leased).update(due_at=now + LEASE)
    return leased


def _go_on(run: DunningRun, *, now: datetime) -> int | None:
    """Steps that came due while nobody looked, or while the case was paused, collapse."""
    now_known = cases.locked(run.case)
    if not now_known.is_open:
        _stop(run, now_known, now=now)
        return None
    if now_known.is_paused:
        return None  # the lease is over when the case may have gone on
    steps = planning.steps_of(run.campaign_id)
    plan = _plan(run, steps, now=now, after=run.next_position - 1)
    if plan is None:
        _come_to_the_end(run, now=now)
        return None
    if plan.planned.at > now:  # what is known of the customer or the window has changed
        _wait(run, steps, plan, now=now)
        return None
    _tell_collapsed(run, steps, plan, now=now)
    message_id = campaign_steps.take(run, plan.step, now=now)
    run.stepped_at = now
    following = _plan(run, steps, now=now, after=plan.planned.position)
    if following is not None:
        _wait(run, steps, following, now=now)
    elif run.campaign.end_action == EndAction.LEAVE_OPEN:
        end(run, state=DunningRun.State.FINISHED, reason=EVERY_STEP_WAS_TAKEN, now=now)
    else:
        run.next_position, run.due_at = plan.planned.position + 1, now + LAST_CHANCE
        run.save(update_fields=["next_position", "due_at", "stepped_at"])
    return message_id


def _plan(
    run: DunningRun, steps: Sequence[DunningStep], *, now: datetime, after: int
) -> Plan | None:
    return planning.next_step(
        steps, case=run.case, stepped_at=run.stepped_at, now=now, after=after
    )


def _wait(run: DunningRun, steps: Sequence[DunningStep], plan: Plan, *, now: datetime) -> None:
    run.next_position, run.due_at = plan.planned.position, plan.planned.at
    run.save(update_fields=["next_position", "due_at", "stepped_at"])
    _tell(run, steps, plan, now=now)


def _tell(run: DunningRun, steps: Sequence[DunningStep], plan: Plan, *, now: datetime) -> None:
    _tell_collapsed(run, steps, plan, now=now)
    planning.tell(run.case, plan, run_id=run.pk, now=now)


def _tell_collapsed(
    run: DunningRun, steps: Sequence[DunningStep], plan: Plan, *, now: datetime
) -> None:
    for step in steps:
        if step.position in plan.planned.collapsed:
            campaign_steps.skip(
                run, step, now=now, why="a later step of its kind is due as well",
                rule="steps that are overdue collapse into the latest",
            )  # fmt: skip


def _come_to_the_end(run: DunningRun, *, now: datetime) -> None:
    """Nobody paid: what the merchant has chosen for then is done once Stripe was asked whether
    that is still so (instructions.py)."""
    if not_before := _something_is_left(run, now=now):
        run.due_at = not_before
        run.save(update_fields=["due_at"])
        return
    action = EndAction(run.campaign.end_action)
    reason = f"{EVERY_STEP_WAS_TAKEN}; then: {action.label.lower()}"
    end(run, state=DunningRun.State.FINISHED, reason=reason, now=now)
    run.tell_stripe_at, run.tell_stripe_tries = now, 0
    run.save(update_fields=["tell_stripe_at", "tell_stripe_tries"])


def _something_is_left(run: DunningRun, *, now: datetime) -> datetime | None:
    """Until when: a charge that a rule has put off, a mail that couldn't go yet, a link that still
    works, of the last mail whenever that went."""
    retries = run.retries.filter(state=DunningRetry.State.DUE)
    waiting: datetime | None = retries.aggregate(at=Max("due_at"))["at"]
    if waiting:
        return max(waiting, now) + LAST_CHARGE_IS_HEARD
    state = DunningMessage.State
    mails = DunningMessage.objects.filter(Q(run=run) | Q(instead_of__run=run), case=run.case_id)
    if mails.filter(state__in=[state.QUEUED, state.SENDING]).exists():
        return now + LAST_MAIL_GOES
    may_have_gone = mails.filter(state__in=[state.SENT, state.UNKNOWN])
    went: datetime | None = may_have_gone.aggregate(at=Max("claimed_at"))["at"]
    return went + LAST_CHANCE if went and went + LAST_CHANCE > now else None


def end(run: DunningRun, *, state: DunningRun.State, reason: str, now: datetime) -> None:
    run.state, run.reason, run.ended_at, run.due_at = state, reason, now, None
    run.tell_stripe_at = None
    run.save()
    timeline.append(
        case=run.case, kind=Kind.DUNNING_ENDED, once=f"run ended:{run.pk}", at=now,
        summary=f"Dunning ended: {reason}.",
    )  # fmt: skip


def _stop(run: DunningRun, case: RecoveryCase, *, now: datetime) -> None:
    end(run, state=DunningRun.State.STOPPED, reason=f"the case is {case.status}", now=now)


def stop_for_closed_cases(*, now: datetime) -> None:
    """From a close to silence in seconds, also where the next step is days away."""
    for case_id in closings.case_ids():
        with apart(f"Case {case_id}"), transaction.atomic():
            closings.strike(case_id)
            live = DunningRun.objects.filter(case=case_id, state=DunningRun.State.LIVE)
            locked = live.exclude(case__status=Status.OPEN).select_for_update(of=("self",))
            if run := locked.select_related("case").first():
                _stop(run, run.case, now=now)


@transaction.atomic
def claim_to_tell_stripe(*, now: datetime) -> list[DunningRun]:
    """Runs of which Stripe is to be told something, and nobody else tells it; what can't be told
    now comes back later, longer each time."""
    due = DunningRun.objects.filter(tell_stripe_at__lte=now)
    batch = list(
        due.select_for_update(skip_locked=True, of=("self",))
        .select_related("case__merchant__stripe", "campaign")
        .order_by("tell_stripe_at", "id")[:TOLD_AT_ONCE]
    )
    for run in batch:
        run.tell_stripe_tries += 1
        run.tell_stripe_at = now + pause(run.tell_stripe_tries)
    DunningRun.objects.bulk_update(batch, ["tell_stripe_tries", "tell_stripe_at"])
    return batch


def stripe_was_told(run: DunningRun) -> None:
    """Or never will be."""
    DunningRun.objects.filter(pk=run.pk).update(tell_stripe_at=None)
