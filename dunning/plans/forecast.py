"""What a campaign will do on a case that nobody pays: each step with its day, and why then."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dunning.plans.campaign_facts import CampaignFacts, EndAction, StepFacts
from dunning.plans.conditions import meets, parse
from dunning.plans.replay import PastCase, next_step
from dunning.timing.schedule import Move, Planned


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One step. `at` is None for a step that isn't taken, and `why_not` says why; `wanted_at` is
    what its delay says, before the `moves`."""

    position: int
    step: StepFacts
    at: datetime | None
    wanted_at: datetime | None = None
    moves: tuple[Move, ...] = ()
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Forecast:
    """All steps in their order, and when the campaign comes to its end; None if no step of it is
    ever taken."""

    steps: tuple[Foreseen, ...]
    end: EndAction
    ends_at: datetime | None


def forecast(campaign: CampaignFacts, case: PastCase, *, last_chance: timedelta) -> Forecast:
    """The course of a case that stays unpaid; `last_chance` is how long the campaign waits after
    its last step before it ends."""
    steps = tuple(_foreseen(campaign.steps, case))
    planned = [one.at or one.wanted_at for one in steps]
    last = max((at for at in planned if at), default=None)
    return Forecast(steps, campaign.end_action, last + last_chance if last else None)


def _foreseen(steps: Sequence[StepFacts], case: PastCase) -> Iterator[Foreseen]:
    taken: Planned | None = None
    while planned := next_step(steps, case, taken):
        for position in planned.collapsed:
            why_not = f"it would go out together with step {planned.position}"
            yield Foreseen(position, steps[position - 1], None, why_not=why_not)
        yield _one(steps[planned.position - 1], planned, case)
        taken = planned


def _one(step: StepFacts, planned: Planned, case: PastCase) -> Foreseen:
    verdict = meets(parse(step.conditions), case.facts)
    return Foreseen(
        planned.position, step,
        at=planned.at if verdict.is_met else None,
        wanted_at=planned.wanted_at, moves=planned.moves,
        why_not="" if verdict.is_met else verdict.why,
    )  # fmt: skip
