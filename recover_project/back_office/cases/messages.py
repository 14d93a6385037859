"""A message as the customer saw it. Nothing in it works: it has no origin, scripts or forms, and
its links lead nowhere; the token of its link was never kept."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from dunning.models import DunningMessage
from recover_project.back_office.access import Right, Working
from recover_project.back_office.cases import words
from recover_project.back_office.framed import THEIR_OWN, frames_ours, only_to_look_at
from recover_project.back_office.pages import page, show


@page("messages/<slug:public_id>/", name="message", right=Right.LOOK)
@require_safe
@frames_ours
def message(request: HttpRequest, at: Working, public_id: str) -> HttpResponseBase:
    found = _message(at, public_id)
    case = reverse("admin:recovery_recoverycase_change", args=[found.case_id])
    return show(
        request, "back_office/cases/message.html", title=found.subject or "A message",
        message=found, to=words.recipient(found), trail=[("The case", case)],
    )  # fmt: skip


@page("messages/<slug:public_id>/html/", name="message_html", right=Right.LOOK)
@require_safe
@only_to_look_at(THEIR_OWN)
def html(_request: HttpRequest, at: Working, public_id: str) -> HttpResponse:
    return HttpResponse(_message(at, public_id).body_html)


def _message(at: Working, public_id: str) -> DunningMessage:
    mine = DunningMessage.objects.of(at.of).select_related("case")
    return get_object_or_404(mine, public_id=public_id)
