"""What the schedule is asked for a run: its campaign's steps, and where and when the case is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dunning.models import DunningStep
from dunning.plans import durations
from dunning.timing import schedule
from dunning.timing.schedule import Planned, Step, Where, Window
from dunning.timing.time_zones import zone_of
from recovery import timeline
from recovery.models import Merchant, RecoveryCase
from recovery.timeline import Kind


@dataclass(frozen=True, slots=True)
class Plan:
    """The next step of a run, and when and why then."""

    step: DunningStep
    planned: Planned


def steps_of(campaign_id: int) -> list[DunningStep]:
    return list(DunningStep.objects.filter(campaign_id=campaign_id).order_by("position"))


def where_of(case: RecoveryCase) -> Where:
    """The customer's own time, else the merchant's, and when the merchant wants to write."""
    merchant, customer = case.merchant, case.customer
    zone = zone_of(customer.country, customer.state) if customer else None
    return Where(
        zone=zone or merchant.zone,
        country=customer.country if customer else "",
        window=window_of(merchant),
        decline_code=case.decline_code,
    )


def window_of(merchant: Merchant) -> Window:
    return Window(
        from_hour=merchant.send_from_hour,
        until_hour=merchant.send_until_hour,
        weekdays=frozenset(int(day) for day in merchant.send_weekdays),
    )


def failed_at(case: RecoveryCase) -> datetime:
    """A failure lies behind us, also where Stripe's clock is ahead of ours."""
    return min(case.failed_at, case.opened_at)


def next_step(
    steps: Sequence[DunningStep],
    *,
    case: RecoveryCase,
    stepped_at: datetime | None,
    now: datetime,
    after: int = 0,
) -> Plan | None:
    """The step that comes after position `after`; None when every step was taken."""
    planned = schedule.plan_next(
        [as_scheduled(step) for step in steps],
        failed_at=failed_at(case),
        stepped_at=stepped_at, now=now, where=where_of(case),
        after=after,
    )  # fmt: skip
    if planned is None:
        return None
    return Plan(next(step for step in steps if step.position == planned.position), planned)


def to_come(
    steps: Sequence[DunningStep],
    *,
    case: RecoveryCase,
    next_position: int,
    due_at: datetime,
    stepped_at: datetime | None,
) -> list[Plan]:
    """The step that is due at `due_at` and those that come after it, each if the one before is
    taken in time; as far as is known now, since what becomes known moves them."""
    found: list[Plan] = []
    taken_at, now, after = stepped_at, due_at, next_position - 1
    while plan := next_step(steps, case=case, stepped_at=taken_at, now=now, after=after):
        found.append(plan)
        taken_at = now = max(plan.planned.at, now)
        after = plan.planned.position
    return found


def as_scheduled(step: DunningStep) -> Step:
    return Step(
        position=step.position,
        delay=step.delay,
        channel=schedule.Channel(step.channel),
        delay_from=schedule.DelayFrom(step.delay_from),
    )


def tell(case: RecoveryCase, plan: Plan, *, run_id: int, now: datetime) -> None:
    """Why the next step is when it is: the rules that moved it, each from when to when."""
    planned = plan.planned
    moved = planned.moves[-1] if planned.moves else None
    timeline.append(
        case=case, kind=Kind.STEP_PLANNED, at=now,
        once=f"planned:{run_id}:{planned.position}:{planned.at.isoformat()}",
        summary=f"{plan.step.called} is planned for {_minute(planned.at)}.",
        rule=moved.rule if moved else _delay(plan.step),
        source=moved.source if moved else "the campaign",
        facts=_facts(plan),
    )  # fmt: skip


def _facts(plan: Plan) -> Mapping[str, Any]:
    planned = plan.planned
    return {
        "step": planned.position,
        "channel": str(plan.step.channel),
        "wanted_at": planned.wanted_at.isoformat(),
        "at": planned.at.isoformat(),
        "moves": [
            {
                "rule": move.rule, "source": move.source,
                "was": move.was.isoformat(), "at": move.at.isoformat(),
            }
            for move in planned.moves
        ],
    }  # fmt: skip


def _delay(step: DunningStep) -> str:
    since = "failure" if step.delay_from == schedule.DelayFrom.FAILURE else "step before"
    after = f"{durations.in_words(step.delay)} after" if step.delay else "right after"
    return f"{after} the {since}"


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
