"""What owners do to a campaign: copy it, draft a new version, try the draft on past cases, publish
it, throw it away, retire the campaign. What can't be taken back is read before it is confirmed."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from dunning import campaigns
from dunning.campaigns import CampaignStateError, ChangedMeanwhileError
from dunning.dry_run import dry_run
from dunning.models import DunningCampaign, PublishedError
from dunning.plans.campaign_facts import LONGEST_NAME, InvalidCampaignError
from dunning.plans.default_plans import DEFAULTS
from dunning.plans.replay import CALLED, DryRun
from recover_project.back_office.access import Right, Working
from recover_project.back_office.campaigns import plans
from recover_project.back_office.campaigns.editing import BASED_ON
from recover_project.back_office.pages import page, show
from recovery import clock
from recovery.declines import DeclineType

DAYS = 90
MOST_CASES = 500  # that a page tries a draft on: more would keep its reader waiting
LIST, EDIT = "admin:dunning_dunningcampaign_changelist", "admin:campaign_edit"


@page("campaigns/new/", name="campaign_new", right=Right.OWN)
@require_POST
def new(_request: HttpRequest, at: Working) -> HttpResponseBase:
    """A plan of its own, as a draft: begun with the steps that Recover ships for soft declines."""
    facts = DEFAULTS[DeclineType.SOFT]
    made = campaigns.create(merchant=at.of, name="New campaign", steps=facts.steps)
    return redirect(EDIT, made.plan)


@page("campaigns/default/<slug:decline_type>/", name="campaign_default", right=Right.OWN)
@require_POST
def default(_request: HttpRequest, at: Working, decline_type: str) -> HttpResponseBase:
    """A draft of the default for a type of decline, which is made if no case needed it yet."""
    if decline_type not in set(DeclineType):
        raise Http404
    made = campaigns.default(
        merchant=at.of, decline_type=DeclineType(decline_type), now=clock.now()
    )
    return redirect(EDIT, campaigns.draft(campaign=made).plan)


@page("campaigns/<slug:plan>/copy/", name="campaign_copy", right=Right.OWN)
@require_POST
def copy(request: HttpRequest, at: Working, plan: str) -> HttpResponseBase:
    source = _version(request, at, plan)
    facts = campaigns.read(source)
    try:
        made = campaigns.create(
            merchant=at.of, name=f"Copy of {facts.name}"[:LONGEST_NAME], steps=facts.steps,
            conditions=facts.conditions, priority=facts.priority, retries=facts.retries,
            end_action=facts.end_action,
        )  # fmt: skip
    except InvalidCampaignError as error:
        return _refused(request, source, str(error))
    messages.success(
        request, f"{made.name} is a draft: say which cases it is for, and publish it."
    )
    return redirect(EDIT, made.plan)


@page("campaigns/<slug:plan>/draft/", name="campaign_draft", right=Right.OWN)
@require_POST
def draft(request: HttpRequest, at: Working, plan: str) -> HttpResponseBase:
    """A new version that says what `version` says; the draft that there is stays as it is."""
    source = _version(request, at, plan)
    made = campaigns.draft(campaign=source)
    if campaigns.read(made) != campaigns.read(source):
        messages.warning(request, f"{made} is a draft already, and is as it was.")
    return redirect(EDIT, made.plan)


@page("campaigns/<slug:plan>/dry-run/", name="campaign_dry_run", right=Right.LOOK)
@require_safe
def tried(request: HttpRequest, at: Working, plan: str) -> HttpResponseBase:
    versions = plans.of(at, plan)
    shown = plans.draft_of(versions)
    if shown is None:
        messages.info(request, "There is no draft that could be tried.")
        return redirect(plans.page_of(versions[0]))
    return show(
        request, "back_office/campaigns/dry_run.html", title=f"Dry run of {shown}", draft=shown,
        tried=_tried(shown), trail=_trail(versions), may_own=at.may(Right.OWN),
    )  # fmt: skip


@page("campaigns/<slug:plan>/publish/", name="campaign_publish", right=Right.OWN)
def publish(request: HttpRequest, at: Working, plan: str) -> HttpResponseBase:
    """What will be other, and what it would have changed; then it is published."""
    versions = plans.of(at, plan)
    draft, current = plans.draft_of(versions), plans.current_of(versions)
    if draft is None:
        return _refused(request, versions[0], "there is no draft")
    if request.method == "POST":
        return _published(request, draft)
    differences = plans.differences(current, draft) if current else []
    return show(
        request, "back_office/campaigns/publish.html", title=f"Publish {draft}", draft=draft,
        current=current, differences=differences,
        tried=_tried(draft), based_on=campaigns.revision(draft), trail=_trail(versions),
        for_whom=plans.for_whom(campaigns.read(draft)),
        says_the_same=bool(current) and not differences,
    )  # fmt: skip


def _published(request: HttpRequest, draft: DunningCampaign) -> HttpResponseBase:
    based_on = request.POST.get(BASED_ON, "") or "nothing"
    try:
        made = campaigns.publish(draft, now=clock.now(), based_on=based_on)
    except ChangedMeanwhileError as error:
        messages.warning(request, f"Nothing was published. {error} Read it again.")
        return redirect("admin:campaign_publish", draft.plan)
    except (InvalidCampaignError, CampaignStateError) as error:
        return _refused(request, draft, str(error))
    messages.success(request, f"{made} is in use: cases from now on are worked by it.")
    return redirect(plans.page_of(made))


@page("campaigns/<slug:plan>/discard/", name="campaign_discard", right=Right.OWN)
def discard(request: HttpRequest, at: Working, plan: str) -> HttpResponseBase:
    versions = plans.of(at, plan)
    draft = plans.draft_of(versions)
    if draft is None:
        return _refused(request, versions[0], "there is no draft")
    if request.method != "POST":
        told = "What the draft says is gone then. The version in use stays as it is."
        return _asked(request, versions, f"Throw {draft} away", told)
    try:
        campaigns.discard(draft)
    except PublishedError as error:
        return _refused(request, draft, str(error))
    messages.success(request, f"{draft} is gone.")
    others = [version for version in versions if version.state != plans.State.DRAFT]
    return redirect(plans.page_of(others[0])) if others else redirect(LIST)


@page("campaigns/<slug:plan>/retire/", name="campaign_retire", right=Right.OWN)
def retire(request: HttpRequest, at: Working, plan: str) -> HttpResponseBase:
    versions = plans.of(at, plan)
    current = plans.current_of(versions)
    if current is None:
        return _refused(request, versions[0], "it is not in use")
    if request.method != "POST":
        live = plans.live_runs(at.of).get(plan, 0)
        told = f"It is given no case any more. The {live} cases that it works now go on by it."
        return _asked(request, versions, f"Retire {current.name}", told)
    try:
        campaigns.retire(current)
    except CampaignStateError as error:
        return _refused(request, current, str(error))
    messages.success(request, f"{current.name} takes no case any more.")
    return redirect(plans.page_of(current))


def _version(request: HttpRequest, at: Working, plan: str) -> DunningCampaign:
    """The one that is named by its number; the newest if none is. Raises Http404."""
    versions, told = plans.of(at, plan), request.POST.get("version", "")
    if not told:
        return versions[0]
    found = [version for version in versions if str(version.version) == told]
    if not found:
        raise Http404
    return found[0]


def _trail(versions: list[DunningCampaign]) -> list[tuple[str, str]]:
    return [("Campaign", plans.page_of(versions[0]))]


def _refused(request: HttpRequest, campaign: DunningCampaign, why: str) -> HttpResponseBase:
    messages.warning(request, f"Nothing was done: {why.rstrip('.')}.")
    return redirect(plans.page_of(campaign))


def _asked(
    request: HttpRequest, versions: list[DunningCampaign], what: str, told: str
) -> HttpResponseBase:
    return show(
        request, "back_office/campaigns/confirm.html", title=what, told=told,
        back=plans.page_of(versions[0]), trail=_trail(versions),
    )  # fmt: skip


def _tried(draft: DunningCampaign) -> dict[str, Any]:
    result = dry_run(draft, now=clock.now(), days=DAYS, most=MOST_CASES)
    return {
        "result": result,
        "acts": list(_acts(result)),
        "is_bounded": result.cases == MOST_CASES,
        "touched": max(result.taken_before, result.taken_after),
    }


def _acts(result: DryRun) -> Any:
    for channel, (before, after) in result.acts.items():
        if before or after:
            yield CALLED[channel][1].capitalize(), before, after, after - before
