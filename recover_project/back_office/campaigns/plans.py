"""A merchant's plans: each with its version in use, its draft, and what it has under way."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.db.models import Count
from django.http import Http404
from django.urls import reverse

from dunning import campaigns
from dunning.models import DunningCampaign, DunningRun
from dunning.plans import comparison
from dunning.plans.campaign_facts import CampaignFacts, EndAction, StepFacts
from dunning.plans.conditions import ConditionError, in_words, parse
from dunning.plans.default_plans import DEFAULTS
from recover_project.back_office.access import Working
from recovery.charging_rules import RetryDriver
from recovery.models import Merchant

State = DunningCampaign.State
MOST_VERSIONS = 30  # that a page tells the differences of
CONDITIONS: Mapping[str, str] = MappingProxyType(
    {
        "decline_types": "declines that are",
        "decline_codes": "declined with",
        "currencies": "in",
        "kinds": "of the kind",
        "amount_from": "from",
        "amount_to": "up to",
    }
)
ENDS: Mapping[str, str] = MappingProxyType(
    {
        EndAction.LEAVE_OPEN: "the case stays open",
        EndAction.MARK_LOST: "the case is given up as lost",
        EndAction.CANCEL_SUBSCRIPTION: "the subscription is canceled at Stripe",
        EndAction.MARK_UNCOLLECTIBLE: "the invoice is marked uncollectible at Stripe",
    }
)
RETRIES: Mapping[str, str] = MappingProxyType(
    {
        RetryDriver.STRIPE: "Stripe, by its own schedule",
        RetryDriver.RECOVER: "Recover, by the campaign's steps",
    }
)


@dataclass(frozen=True)
class Plan:
    """What one row of the list shows. `campaign` is the version in use, else the newest; None for
    a default that no case has needed yet."""

    name: str
    for_whom: str
    campaign: DunningCampaign | None
    draft: DunningCampaign | None
    live_runs: int
    retries: str
    steps: int
    default_for: str = ""

    @property
    def address(self) -> str:
        shown = self.campaign or self.draft
        return page_of(shown) if shown else ""


def page_of(campaign: DunningCampaign) -> str:
    return reverse("admin:dunning_dunningcampaign_change", args=[campaign.pk])


def for_whom(facts: CampaignFacts) -> str:
    """Which cases the campaign takes, as a person would say it."""
    if facts.is_default:
        return f"every {facts.default_for.replace('_', ' ')} decline that no other campaign takes"
    said = _said(facts.conditions)
    return f"payments {said}" if said else "every failed payment"


def only(step: StepFacts) -> str:
    """Which cases alone the step is taken for; "" for all."""
    return _said(step.conditions)


def _said(conditions: Mapping[str, Any]) -> str:
    try:
        said = in_words(parse(conditions))
    except ConditionError as error:  # another version of Recover wrote them
        return f"of nobody: {error}"
    return ", ".join(f"{CONDITIONS.get(name, name)} {words}" for name, words in said.items())


def listed(merchant: Merchant, *, is_retired: bool) -> list[Plan]:
    """The plans that are in use or drafted, the defaults last; or those that are retired."""
    of_plan: dict[str, list[DunningCampaign]] = defaultdict(list)
    for campaign in _newest(merchant, is_retired=is_retired):
        of_plan[campaign.plan].append(campaign)
    live = live_runs(merchant)
    plans = [_plan(versions, live) for versions in of_plan.values()]
    if is_retired:
        return plans
    known = {plan.default_for for plan in plans}
    shipped = [_shipped(facts) for name, facts in DEFAULTS.items() if name not in known]
    return sorted([*plans, *shipped], key=lambda plan: bool(plan.default_for))


def _newest(merchant: Merchant, *, is_retired: bool) -> list[DunningCampaign]:
    in_use = campaigns.in_use(merchant)
    if not is_retired:
        return list(in_use)
    others = DunningCampaign.objects.of(merchant).exclude(plan__in=in_use.values("plan"))
    newest = {campaign.plan: campaign for campaign in others.order_by("version")}
    rows = DunningCampaign.objects.of(merchant).filter(pk__in=[one.pk for one in newest.values()])
    return list(rows.order_by("-published_at").prefetch_related("steps"))


def live_runs(merchant: Merchant) -> Mapping[str, int]:
    """By plan, whatever the version. Counted in an index that has no more than these."""
    plan_of = dict(DunningCampaign.objects.of(merchant).values_list("pk", "plan"))
    live = DunningRun.objects.filter(state=DunningRun.State.LIVE, campaign__in=list(plan_of))
    found: Counter[str] = Counter()
    for version, count in live.order_by().values_list("campaign").annotate(count=Count("*")):
        found[plan_of[version]] += count
    return found


def _plan(versions: list[DunningCampaign], live: Mapping[str, int]) -> Plan:
    draft = next((one for one in versions if one.state == State.DRAFT), None)
    campaign = next((one for one in versions if one.state != State.DRAFT), None)
    shown = campaign or versions[0]
    facts = campaigns.read(shown)
    return Plan(
        facts.name, for_whom(facts), campaign, draft, live.get(shown.plan, 0),
        RETRIES[facts.retries], len(facts.steps), facts.default_for,
    )  # fmt: skip


def _shipped(facts: CampaignFacts) -> Plan:
    return Plan(
        facts.name, for_whom(facts), None, None, 0, RETRIES[facts.retries], len(facts.steps),
        facts.default_for,
    )  # fmt: skip


def of(at: Working, plan: str) -> list[DunningCampaign]:
    """All versions of a plan of the merchant that is worked for, the newest first. Raises
    Http404."""
    found = campaigns.versions(merchant=at.of, plan=plan).prefetch_related("steps")
    if not (versions := list(found.order_by("-version"))):
        raise Http404
    for version in versions:
        version.merchant = at.of
    return versions


def draft_of(versions: list[DunningCampaign]) -> DunningCampaign | None:
    return next((one for one in versions if one.state == State.DRAFT), None)


def current_of(versions: list[DunningCampaign]) -> DunningCampaign | None:
    return next((one for one in versions if one.state == State.CURRENT), None)


def history(versions: list[DunningCampaign]) -> list[dict[str, Any]]:
    """Each version with what it says otherwise than the one before it."""
    told = []
    for number, version in enumerate(versions[:MOST_VERSIONS]):
        before = versions[number + 1] if number + 1 < len(versions) else None
        told.append(
            {
                "version": version,
                "address": page_of(version),
                "before": before,
                "differences": differences(before, version) if before else [],
            }
        )
    return told


def differences(before: DunningCampaign, after: DunningCampaign) -> list[comparison.Difference]:
    return comparison.compare(campaigns.read(before), campaigns.read(after))
