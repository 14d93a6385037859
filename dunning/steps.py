"""One step is taken: a message or a charge is queued, the merchant is told, a person is asked."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from dunning import campaigns, retries
from dunning.mail import conversations
from dunning.models import Channel, DunningMessage, DunningRun, DunningStep
from dunning.plans import conditions
from recovery import operator_tasks, outbound, timeline
from recovery.operator_tasks import TaskKind
from recovery.outbound_events import EventType
from recovery.timeline import Kind


def take(run: DunningRun, step: DunningStep, *, now: datetime) -> int | None:
    """Take a step of a live run, unless its condition isn't met; the id of a queued message.

    Taken again, a step makes nothing new.
    """
    verdict = conditions.meets(conditions.parse(step.conditions), campaigns.facts_of(run.case))
    if not verdict.is_met:
        skip(run, step, why=verdict.why, rule="the step's condition", now=now)
        return None
    return CHANNELS[Channel(step.channel)](run, step, now)


def skip(run: DunningRun, step: DunningStep, *, why: str, rule: str, now: datetime) -> None:
    timeline.append(
        case=run.case, kind=Kind.STEP_SKIPPED, once=f"skipped:{run.pk}:{step.position}", at=now,
        summary=f"{step.called} was skipped: {why}.", rule=rule,
        source="the campaign", facts={"step": step.position, "channel": str(step.channel)},
    )  # fmt: skip


def _queue_message(run: DunningRun, step: DunningStep, now: datetime) -> int | None:
    told = conversations.was_told(run.case, by_other_than=run, since=now - conversations.QUIET)
    if told is not None:
        skip(
            run, step, now=now, rule="one conversation per customer",
            why=f"the customer was told of this debt in {told.public_id}",
        )  # fmt: skip
        return None
    message, _created = DunningMessage.objects.get_or_create(
        run=run, step=step,
        defaults={"merchant_id": run.merchant_id, "case": run.case, "due_at": now},
    )  # fmt: skip
    return message.pk


def _queue_charge(run: DunningRun, step: DunningStep, now: datetime) -> None:
    retries.queue(run=run, step=step, now=now)


def _tell_the_merchant(run: DunningRun, step: DunningStep, now: datetime) -> None:
    is_awaited = outbound.emit(
        case=run.case, type=EventType.DUNNING_STEP, now=now,
        once=f"step:{run.pk}:{step.position}",
        data={
            "step": step.template, "position": step.position,
            "campaign": run.campaign.name, "campaign_version": run.campaign.version,
        },
    )  # fmt: skip
    if not is_awaited:
        skip(
            run, step, now=now, rule="nobody has registered for dunning.step",
            why="no webhook of the merchant's takes it",
        )  # fmt: skip
        return
    timeline.append(
        case=run.case, kind=Kind.MERCHANT_TOLD, once=f"told:{run.pk}:{step.position}", at=now,
        summary=f"The merchant's own systems are told: {step.template}.",
        rule=f"step {step.position} of the campaign",
    )  # fmt: skip


def _ask_a_person(run: DunningRun, step: DunningStep, now: datetime) -> None:
    operator_tasks.create(
        case=run.case, kind=TaskKind.CAMPAIGN_STEP, summary=step.template, now=now,
        once=f"{run.pk}:{step.position}",
    )  # fmt: skip


CHANNELS: Mapping[Channel, Callable[[DunningRun, DunningStep, datetime], int | None]] = (
    MappingProxyType(
        {
            Channel.EMAIL: _queue_message,
            Channel.RETRY: _queue_charge,
            Channel.WEBHOOK: _tell_the_merchant,
            Channel.TASK: _ask_a_person,
        }
    )
)
