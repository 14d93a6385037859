"""The editor of a draft. Whatever is wrong, or whoever was quicker: nothing that was written is
lost."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from dunning import campaigns
from dunning.campaigns import ChangedMeanwhileError
from dunning.models import DunningCampaign
from dunning.plans import comparison
from recover_project.back_office.access import Right, Working
from recover_project.back_office.campaigns import calendars, plans
from recover_project.back_office.campaigns.sheets import Sheet, rearranged
from recover_project.back_office.pages import page, show
from recovery import clock

BASED_ON, DO = "based_on", "do"
SAVE, LOOK = "save", "look"


@page("campaigns/<slug:plan>/edit/", name="campaign_edit", right=Right.OWN)
def edit(request: HttpRequest, at: Working, plan: str) -> HttpResponseBase:
    versions = plans.of(at, plan)
    draft = plans.draft_of(versions)
    if request.method == "POST":
        return _told(request, at, versions)
    if draft is None:
        messages.info(request, "There is no draft: make a new one from a version.")
        return redirect(plans.page_of(versions[0]))
    sheet = Sheet.of(campaigns.read(draft))
    return _show(request, at, versions, sheet, based_on=campaigns.revision(draft))


def _told(request: HttpRequest, at: Working, versions: list[DunningCampaign]) -> HttpResponseBase:
    default_for, based_on = versions[0].default_for, request.POST.get(BASED_ON, "")
    verb, _dash, position = request.POST.get(DO, SAVE).partition("-")
    if verb not in {SAVE, LOOK}:
        number = int(position) if position.isascii() and position.isdigit() else -1
        data = rearranged(request.POST, verb, number)
        return _show(request, at, versions, Sheet.told(data, default_for), based_on=based_on)
    sheet = Sheet.told(request.POST, default_for)
    facts = sheet.facts(at.of)
    if facts is None or verb == LOOK:
        return _show(request, at, versions, sheet, based_on=based_on)
    try:
        saved = campaigns.save_draft(campaign=versions[0], facts=facts, based_on=based_on)
    except ChangedMeanwhileError as error:
        return _too_late(request, at, versions[0].plan, sheet, str(error))
    messages.success(request, f"{saved} is saved. It is a draft: publish it to use it.")
    return redirect("admin:campaign_edit", saved.plan)


def _too_late(
    request: HttpRequest, at: Working, plan: str, sheet: Sheet, why: str
) -> HttpResponseBase:
    """Somebody was quicker: what they wrote is told, and saving again puts this in its place."""
    versions = plans.of(at, plan)
    draft, facts = plans.draft_of(versions), sheet.facts(at.of)
    theirs = campaigns.read(draft) if draft else None
    told = comparison.compare(theirs, facts) if theirs and facts else []
    return _show(
        request, at, versions, sheet, status=409, too_late=why, between=told, other=draft,
        based_on=campaigns.revision(draft) if draft else "",
    )  # fmt: skip


def _show(
    request: HttpRequest, at: Working, versions: list[DunningCampaign], sheet: Sheet, *,
    based_on: str, status: int = 200, **told: Any,
) -> HttpResponseBase:  # fmt: skip
    """The sheet, what it would do as a calendar, and what is other than in the version in use."""
    draft, current = plans.draft_of(versions), plans.current_of(versions)
    is_bound = sheet.settings.is_bound
    facts = sheet.facts(at.of) if is_bound else campaigns.read(draft or versions[0])
    chosen = request.POST if is_bound else request.GET
    calendar = facts and calendars.context(facts, merchant=at.of, told=chosen, now=clock.now())
    differences = comparison.compare(campaigns.read(current), facts) if current and facts else []
    return show(
        request, "back_office/campaigns/edit.html", status=status,
        title=f"Draft of {versions[0].name}", sheet=sheet, based_on=based_on, draft=draft,
        plan=versions[0].plan, calendar=calendar, current=current,
        differences=differences,
        trail=[("Campaign", plans.page_of(current or versions[0]))], **told,
    )  # fmt: skip
