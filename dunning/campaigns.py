"""The one writer of campaigns and their steps: which one takes a case, and how they change.

A plan changes in versions. What is published never changes: an edit makes a draft, publishing
the draft retires the version before it, and runs stay on the version that they began with.
"""

import difflib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max, Min, OuterRef, QuerySet, Subquery

from dunning.models import NEW_LINK, DunningCampaign, DunningStep, PublishedError
from dunning.plans import campaign_facts, plan_files
from dunning.plans.campaign_facts import (
    CampaignFacts,
    EndAction,
    InvalidCampaignError,
    Problem,
    StepFacts,
)
from dunning.plans.conditions import CaseFacts, Conditions, Kind, parse
from dunning.plans.default_plans import DEFAULTS
from dunning.plans.selection import Contender, pick
from dunning.timing.schedule import Channel, DelayFrom
from dunning.wording import words
from recovery import money
from recovery.charging_rules import RetryDriver
from recovery.declines import DECLINE_CODES, DeclineType
from recovery.models import Merchant, RecoveryCase

State = DunningCampaign.State


class CampaignStateError(Exception):
    """What was asked for isn't done to a campaign in this state; the text says why."""


class ChangedMeanwhileError(Exception):
    """Somebody else changed the draft since it was looked at; the text says so."""


# --- which one takes a case -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Choice:
    """The campaign for a case, by which rule, and what the timeline keeps of the decision: the
    facts looked at, and each campaign that was not taken with why not."""

    campaign: DunningCampaign
    rule: str
    facts: dict[str, Any]


def choose(case: RecoveryCase, *, now: datetime) -> Choice:
    """The current campaign of the highest priority whose conditions the case meets (of equals,
    the older plan), else the default for its type of decline, which is made at first use."""
    decline_type = DeclineType(case.decline_type)
    known = [campaign for campaign in current(case.merchant) if not campaign.default_for]
    fallback: Contender[DunningCampaign | None] = Contender(None, 1, DEFAULTS[decline_type])
    rivals: list[Contender[DunningCampaign | None]] = [
        Contender(campaign, campaign.version, read(campaign)) for campaign in known
    ]
    taken = pick(rivals, default=fallback, case=facts_of(case))
    campaign = taken.contender.key or default(
        merchant=case.merchant, decline_type=decline_type, now=now
    )
    return Choice(
        campaign=campaign,
        rule=taken.rule,
        facts={
            "campaign": campaign.name,
            "version": campaign.version,
            "looked_at": dict(taken.looked_at),
            "passed_over": [asdict(other) for other in taken.passed_over],
        },
    )


def facts_of(case: RecoveryCase) -> CaseFacts:
    """What conditions look at, from a case whose customer is at hand."""
    return CaseFacts(
        decline_type=case.decline_type,
        decline_code=case.decline_code,
        currency=case.currency,
        amount=case.amount,
        kind=Kind.ONE_TIME if case.is_one_time else Kind.SUBSCRIPTION,
        metadata=case.customer.metadata if case.customer else {},
    )


def current(merchant: Merchant) -> QuerySet[DunningCampaign]:
    """The merchant's published campaigns with their steps, the oldest plan first."""
    return _oldest_plan_first(DunningCampaign.objects.of(merchant).filter(state=State.CURRENT))


def in_use(merchant: Merchant) -> QuerySet[DunningCampaign]:
    """What is current, and what is drafted, the oldest plan first."""
    return _oldest_plan_first(DunningCampaign.objects.of(merchant).exclude(state=State.RETIRED))


def versions(*, merchant: Merchant, plan: str) -> QuerySet[DunningCampaign]:
    """All versions of a plan of the merchant's, in order."""
    return DunningCampaign.objects.of(merchant).filter(plan=plan).order_by("version")


def began(merchant: Merchant) -> dict[str, int]:
    """By plan, what its age is told by: the older, the smaller."""
    plans = DunningCampaign.objects.of(merchant).values_list("plan")
    return dict(plans.annotate(began=Min("id")))


def _oldest_plan_first(campaigns: QuerySet[DunningCampaign]) -> QuerySet[DunningCampaign]:
    of_plan = DunningCampaign.objects.filter(merchant=OuterRef("merchant"), plan=OuterRef("plan"))
    began = campaigns.annotate(began=Subquery(of_plan.order_by("id").values("id")[:1]))
    return began.order_by("began", "version").prefetch_related("steps")


@transaction.atomic
def default(*, merchant: Merchant, decline_type: DeclineType, now: datetime) -> DunningCampaign:
    """The merchant's campaign for what no other campaign takes; made at first use."""
    facts = DEFAULTS[decline_type]
    campaign, created = DunningCampaign.objects.get_or_create(
        merchant=merchant, default_for=decline_type, state=State.CURRENT,
        defaults={**_columns(facts), "published_at": now},
    )  # fmt: skip
    if created:
        _write_steps(campaign, facts.steps)
    return campaign


# --- what a campaign says ---------------------------------------------------------------------


def read(campaign: DunningCampaign) -> CampaignFacts:
    """What the campaign says. A prefetch of its steps is made use of."""
    steps = sorted(campaign.steps.all(), key=lambda step: step.position)
    return CampaignFacts(
        name=campaign.name,
        steps=tuple(_read_step(step) for step in steps),
        conditions=campaign.conditions,
        priority=campaign.priority,
        retries=RetryDriver(campaign.retries),
        end_action=EndAction(campaign.end_action),
        default_for=campaign.default_for,
    )


def revision(campaign: DunningCampaign) -> str:
    """Of what the campaign says: another one as soon as it says something else."""
    return hashlib.sha256(plan_files.write(read(campaign)).encode()).hexdigest()[:32]


def _read_step(step: DunningStep) -> StepFacts:
    return StepFacts(
        delay=step.delay,
        channel=Channel(step.channel),
        template=step.template,
        delay_from=DelayFrom(step.delay_from),
        conditions=step.conditions,
    )


def _columns(facts: CampaignFacts) -> dict[str, Any]:
    return {
        "name": facts.name,
        "conditions": dict(facts.conditions),
        "priority": facts.priority,
        "retries": facts.retries,
        "end_action": facts.end_action,
        "default_for": facts.default_for,
    }


def _write_steps(campaign: DunningCampaign, steps: Sequence[StepFacts]) -> None:
    """Each by itself, so that the record of changes has it."""
    for position, step in enumerate(steps, start=1):
        DunningStep.objects.create(
            campaign=campaign, position=position, delay=step.delay, channel=step.channel,
            template=step.template, delay_from=step.delay_from, conditions=dict(step.conditions),
        )  # fmt: skip


# --- what makes one that can be used ----------------------------------------------------------


def template_names() -> tuple[str, ...]:
    """The words that a step's e-mail can have."""
    return tuple(name for name in words.TEMPLATES if name != NEW_LINK)


def check(facts: CampaignFacts, *, merchant: Merchant) -> None:
    """Raises InvalidCampaignError for the first thing that is wrong, in one sentence."""
    for problem in problems(facts, merchant=merchant):
        raise InvalidCampaignError(problem.why)


def problems(facts: CampaignFacts, *, merchant: Merchant) -> list[Problem]:
    """All that is wrong, each with the field that it is about."""
    found = list(campaign_facts.problems(facts, templates=template_names()))
    if found:
        return found
    asked = [parse(one) for one in (facts.conditions, *(step.conditions for step in facts.steps))]
    return [*_unknown_codes(asked, merchant), *_unknown_currencies(asked)]


def _unknown_codes(asked: Sequence[Conditions], merchant: Merchant) -> Iterator[Problem]:
    """A code that is misspelled would quietly take no case. Stripe adds codes without notice:
    one that a case of the merchant has had is known as well."""
    named = [one.decline_codes - set(DECLINE_CODES) for one in asked]
    codes = set().union(*named)
    cases = RecoveryCase.objects.of(merchant).filter(decline_code__in=codes)
    unknown = codes - set(cases.values_list("decline_code", flat=True)) if codes else set()
    for code in sorted(unknown):
        position = next(position for position, names in enumerate(named) if code in names)
        why = f"There is no decline code {code!r}{_similar_to(code)}"
        yield Problem(why, "conditions", position)


def _unknown_currencies(asked: Sequence[Conditions]) -> Iterator[Problem]:
    for position, one in enumerate(asked):
        for currency in sorted(one.currencies):
            if not money.exists(currency):
                yield Problem(f"There is no currency {currency!r}.", "conditions", position)


def _similar_to(code: str) -> str:
    similar = difflib.get_close_matches(code, DECLINE_CODES, n=1)
    return f"; did you mean {similar[0]}?" if similar else "."


# --- changes ----------------------------------------------------------------------------------


@transaction.atomic
def create(
    *,
    merchant: Merchant,
    name: str,
    steps: Sequence[StepFacts],
    conditions: Mapping[str, Any] = campaign_facts.NOTHING,
    priority: int = 0,
    retries: RetryDriver = RetryDriver.STRIPE,
    end_action: EndAction = EndAction.LEAVE_OPEN,
) -> DunningCampaign:
    """The draft of a new plan. Raises InvalidCampaignError."""
    facts = CampaignFacts(
        name=name.strip(), steps=tuple(steps), conditions=conditions, priority=priority,
        retries=retries, end_action=end_action,
    )  # fmt: skip
    check(facts, merchant=merchant)
    campaign = DunningCampaign.objects.create(merchant=merchant, **_columns(facts))
    _write_steps(campaign, facts.steps)
    return campaign


@transaction.atomic
def draft(*, campaign: DunningCampaign) -> DunningCampaign:
    """The plan's draft: the one there is, else a new version that says what `campaign` says.

    So an old version comes back by drafting from it.
    """
    known = _locked_versions(campaign)
    if found := known.filter(state=State.DRAFT).first():
        return found
    facts = read(campaign)
    newest = known.aggregate(newest=Max("version"))["newest"]
    made = DunningCampaign.objects.create(
        merchant_id=campaign.merchant_id, plan=campaign.plan, version=newest + 1,
        **_columns(facts),
    )  # fmt: skip
    _write_steps(made, facts.steps)
    return made


@transaction.atomic
def change(
    draft: DunningCampaign,
    *,
    name: str | None = None,
    conditions: Mapping[str, Any] | None = None,
    priority: int | None = None,
    retries: RetryDriver | None = None,
    end_action: EndAction | None = None,
    steps: Sequence[StepFacts] | None = None,
    based_on: str = "",
) -> DunningCampaign:
    """Change what is given of a draft. Raises InvalidCampaignError, PublishedError for a version
    that was published, and ChangedMeanwhileError if the draft isn't the one whose revision() is
    `based_on`, where that is given."""
    campaign = _locked(draft)
    if campaign.state != State.DRAFT:
        raise PublishedError(f"{campaign} was published and never changes: draft a new version.")
    if based_on and based_on != revision(campaign):
        raise ChangedMeanwhileError(f"{campaign} was changed by somebody else meanwhile.")
    given: dict[str, Any] = {
        "name": None if name is None else name.strip(),
        "conditions": conditions, "priority": priority, "retries": retries,
        "end_action": end_action, "steps": None if steps is None else tuple(steps),
    }  # fmt: skip
    before = read(campaign)
    facts = replace(before, **{what: value for what, value in given.items() if value is not None})
    check(facts, merchant=campaign.merchant)
    for column, value in _columns(facts).items():
        setattr(campaign, column, value)
    campaign.save(update_fields=list(_columns(facts)))
    if facts.steps != before.steps:
        campaign.steps.all().delete()
        _write_steps(campaign, facts.steps)
    return campaign


@transaction.atomic
def save_draft(
    *, campaign: DunningCampaign, facts: CampaignFacts, based_on: str
) -> DunningCampaign:
    """Let the draft of the campaign's plan say what `facts` do. `based_on` is the revision() that
    was looked at, or "" if there was no draft: then one is made.

    Raises InvalidCampaignError, and ChangedMeanwhileError if the draft is another one by now.
    """
    known = _locked_versions(campaign)
    found = known.filter(state=State.DRAFT).first()
    if found is None and based_on:
        raise ChangedMeanwhileError("The draft was published or thrown away meanwhile.")
    if found and revision(found) != based_on:
        raise ChangedMeanwhileError(f"{found} was changed by somebody else meanwhile.")
    return change(
        found or draft(campaign=campaign), name=facts.name, conditions=facts.conditions,
        priority=facts.priority, retries=facts.retries, end_action=facts.end_action,
        steps=facts.steps,
    )  # fmt: skip


@transaction.atomic
def publish(draft: DunningCampaign, *, now: datetime, based_on: str = "") -> DunningCampaign:
    """Make a draft the plan's current version; the one before it retires. Publishing what is
    current changes nothing. Raises InvalidCampaignError, CampaignStateError, and, with the
    revision() that was looked at in `based_on`, ChangedMeanwhileError."""
    campaign = _locked(draft)
    if campaign.state == State.CURRENT:
        return campaign
    if campaign.state == State.RETIRED:
        raise CampaignStateError(f"{campaign} was published before: draft a new version from it.")
    if based_on and based_on != revision(campaign):
        raise ChangedMeanwhileError(f"{campaign} was changed by somebody else meanwhile.")
    check(read(campaign), merchant=campaign.merchant)
    for former in versions(merchant=campaign.merchant, plan=campaign.plan).filter(
        state=State.CURRENT
    ):
        _move(former, State.RETIRED)
    campaign.published_at = now
    _move(campaign, State.CURRENT)
    return campaign


@transaction.atomic
def retire(campaign: DunningCampaign) -> DunningCampaign:
    """No case is given to the plan any more; its runs go on. Doing it again changes nothing.
    Raises CampaignStateError for drafts and for defaults, which take what nothing else takes."""
    campaign = _locked(campaign)
    if campaign.state == State.DRAFT:
        raise CampaignStateError(f"{campaign} is a draft: discard it.")
    if campaign.default_for:
        raise CampaignStateError(
            f"{campaign} is a default: it takes what no other campaign takes."
        )
    if campaign.state == State.CURRENT:
        _move(campaign, State.RETIRED)
    return campaign


@transaction.atomic
def discard(draft: DunningCampaign) -> None:
    """Throw a draft away. Raises PublishedError for a version that was published."""
    campaign = _locked(draft)
    if campaign.state != State.DRAFT:
        raise PublishedError(f"{campaign} was published and stays, for the runs that it has had.")
    campaign.delete()


def _move(campaign: DunningCampaign, state: DunningCampaign.State) -> None:
    campaign.state = state
    campaign.save(update_fields=["state", "published_at"])


def _locked_versions(campaign: DunningCampaign) -> QuerySet[DunningCampaign]:
    """The plan's versions as they stand once nobody else is changing the plan."""
    of_plan = versions(merchant=campaign.merchant, plan=campaign.plan)
    list(of_plan.select_for_update().values_list("id"))
    return of_plan


def _locked(campaign: DunningCampaign) -> DunningCampaign:
    return _locked_versions(campaign).select_related("merchant").get(pk=campaign.pk)
