"""From one merchant to another, for whoever works for several."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from recover_project.back_office import access
from recover_project.back_office.access import Right, Working
from recover_project.back_office.pages import page


@page("switch/", name="switch", right=Right.LOOK, needs_merchant=False)
@require_POST
def switch(request: HttpRequest, _at: Working) -> HttpResponse:
    if not access.switch(request, request.POST.get("merchant", "")):
        raise PermissionDenied
    return redirect("admin:index")
