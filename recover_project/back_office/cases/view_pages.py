"""A person's own views of the list of cases: kept under a name, deleted."""

from django.contrib import messages
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from recover_project.back_office.access import Right, Working
from recover_project.back_office.cases import saved_views
from recover_project.back_office.cases.saved_views import NotKeptError
from recover_project.back_office.pages import page
from recovery import clock

LIST = "admin:recovery_recoverycase_changelist"


@page("cases/views/keep/", name="cases_keep_view", right=Right.LOOK)
@require_POST
def keep(request: HttpRequest, at: Working) -> HttpResponseBase:
    """What the list shows now, under the `name` that is given."""
    asked = {name: request.POST.get(name, "") for name in saved_views.ASKED}
    try:
        view = saved_views.keep(
            merchant=at.of, user=at.user, name=request.POST.get("name", ""), asked=asked,
            now=clock.now(),
        )  # fmt: skip
    except NotKeptError as error:
        messages.warning(request, f"The view was not kept: {error}.")
    else:
        messages.success(request, f"“{view}” is kept among your views.")
    return redirect(f"{reverse(LIST)}?{saved_views.query_of(asked)}")


@page("cases/views/forget/", name="cases_forget_view", right=Right.LOOK)
@require_POST
def forget(request: HttpRequest, at: Working) -> HttpResponseBase:
    public_id = request.POST.get("saved", "")
    if not saved_views.forget(merchant=at.of, user=at.user, public_id=public_id):
        raise Http404
    messages.success(request, "The view is deleted. The cases are as they were.")
    return redirect(LIST)
