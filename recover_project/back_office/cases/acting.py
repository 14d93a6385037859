"""Doing something to a case, or to many: what will be done is said first, then it is confirmed."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from billing_portal import links
from billing_portal.links import NoLinkError
from recover_project.back_office.access import Right, Working, actor_of
from recover_project.back_office.cases import words
from recover_project.back_office.cases.verbs import VERBS, Asked, NotDoneError, Verb
from recover_project.back_office.demo.rows import is_made_up
from recover_project.back_office.pages import page, show
from recovery import clock, operator_tasks
from recovery.models import OperatorTask, RecoveryCase

MOST_AT_ONCE = 100
MOST_NAMED = 5  # in one message
LIST, CASE = "admin:recovery_recoverycase_changelist", "admin:recovery_recoverycase_change"
MADE_UP = "the case is made up, and nobody outside is to hear of it"
ONCE = "once"  # the field that tells one showing of a form from another


@page("cases/act/<slug:verb>/", name="cases_act", right=Right.OPERATE)
@require_POST
def act(request: HttpRequest, at: Working, verb: str) -> HttpResponseBase:
    """The cases that are named in `case`, by their public ids; `confirmed` once it was read what
    will be done."""
    chosen_verb = _verb(verb)
    chosen = _chosen(at, request.POST.getlist("case"))
    return confirm(request, at, chosen_verb, chosen)


def confirm(
    request: HttpRequest, at: Working, verb: Verb, chosen: Sequence[RecoveryCase]
) -> HttpResponseBase:
    """What will be done and what won't, with what is asked besides; then it is done."""
    is_confirmed, now = "confirmed" in request.POST, clock.now()
    form = verb.form(request.POST if is_confirmed else None, merchant=at.of)
    if is_confirmed and form.is_valid():
        asked = Asked(
            actor_of(request), now, _seen_at(request, now), _once(request), form.cleaned_data
        )
        _tell(request, [_done(verb, case, asked) for case in chosen])
        return redirect(CASE, chosen[0].pk) if len(chosen) == 1 else redirect(LIST)
    why_not = [(case, _why_not(verb, case, now)) for case in chosen]
    return show(
        request, "back_office/cases/confirm.html", title=verb.label, verb=verb, form=form,
        chosen=chosen, once=secrets.token_hex(8), seen_at=now.isoformat(),
        willing=[(case, words.who(case), words.amount(case)) for case, why in why_not if not why],
        unwilling=[(words.who(case), why) for case, why in why_not if why],
        back=reverse(CASE, args=[chosen[0].pk]) if len(chosen) == 1 else reverse(LIST),
    )  # fmt: skip


@page("cases/link/", name="cases_link", right=Right.OPERATE)
@require_POST
@never_cache
def link(request: HttpRequest, at: Working) -> HttpResponseBase:
    """A new link, shown this once."""
    [case] = _chosen(at, request.POST.getlist("case")[:1])
    if is_made_up(case):
        messages.warning(request, f"No link was made: {MADE_UP}.")
        return redirect(CASE, case.pk)
    try:
        address = links.create_by_hand(
            case=case, once=_once(request), actor=actor_of(request), now=clock.now()
        )
    except NoLinkError as error:
        messages.warning(request, f"No link was made: {error}.")
        return redirect(CASE, case.pk)
    return show(
        request, "back_office/cases/link.html", title="A link to hand on", case=case,
        who=words.who(case),
        address=address, days=links.LIFETIME.days,
    )  # fmt: skip


@page("tasks/done/", name="task_done", right=Right.OPERATE)
@require_POST
def task_done(request: HttpRequest, at: Working) -> HttpResponseBase:
    mine = OperatorTask.objects.of(at.of)
    task = get_object_or_404(mine, public_id=request.POST.get("task", ""))
    is_new = operator_tasks.is_done(task, actor=actor_of(request), now=clock.now())
    messages.success(request, "The task is done." if is_new else "The task was done already.")
    if task.case_id:
        return redirect(CASE, task.case_id)
    return redirect("admin:recovery_operatortask_changelist")


def _verb(name: str) -> Verb:
    if name not in VERBS:
        raise Http404
    return VERBS[name]


def _chosen(at: Working, public_ids: Sequence[str]) -> list[RecoveryCase]:
    """Those of the merchant that is worked for; a 404 if one of them is not."""
    wanted = list(dict.fromkeys(public_ids))[:MOST_AT_ONCE]
    rows: QuerySet[RecoveryCase] = RecoveryCase.objects.of(at.of).filter(public_id__in=wanted)
    found = list(rows.select_related("customer", "merchant__stripe").order_by("-opened_at", "-id"))
    if not found or len(found) < len(wanted):
        raise Http404
    return found


def _once(request: HttpRequest) -> str:
    return request.POST.get(ONCE, "")[:40] or secrets.token_hex(8)


def _seen_at(request: HttpRequest, now: datetime) -> datetime:
    """When the form was shown. Who makes a time up is told no more than what is on the case."""
    try:
        seen_at = parse_datetime(request.POST.get("seen_at", ""))
    except ValueError:
        return now
    return min(seen_at, now) if seen_at and is_aware(seen_at) else now


def _is_kept_inside(verb: Verb, case: RecoveryCase) -> bool:
    return is_made_up(case) and not verb.stays_inside


def _why_not(verb: Verb, case: RecoveryCase, now: datetime) -> str:
    """As far as it is known beforehand."""
    if _is_kept_inside(verb, case):
        return MADE_UP
    return verb.why_not(case) or verb.why_not_now(case, now)


def _done(verb: Verb, case: RecoveryCase, asked: Asked) -> tuple[bool, str, str]:
    """Whether it was done, what is to be said, and of whom."""
    if _is_kept_inside(verb, case):
        return False, f"Nothing was done: {MADE_UP}.", words.who(case)
    try:
        return True, verb.do(case, asked), words.who(case)
    except NotDoneError as error:
        return False, f"Nothing was done: {str(error).rstrip('.')}.", words.who(case)


def _tell(request: HttpRequest, done: Sequence[tuple[bool, str, str]]) -> None:
    """One message for all of whom the same is to be said."""
    of_whom: dict[tuple[bool, str], list[str]] = {}
    for is_done, said, who in done:
        of_whom.setdefault((is_done, said), []).append(who)
    for (is_done, said), people in of_whom.items():
        named = people[0] if len(people) == 1 else f"{len(people)} cases"
        if len(people) > 1 and not is_done:
            others = len(people) - MOST_NAMED
            more = f" and {others} more" if others > 0 else ""
            named += f" ({', '.join(people[:MOST_NAMED])}{more})"
        tell = messages.success if is_done else messages.warning
        tell(request, f"{named}: {said}")
