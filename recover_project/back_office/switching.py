"""From one merchant to another, for whoever works for several."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST
from hijack.signals import hijack_ended, hijack_started

from recover_project.back_office import access
from recover_project.back_office.access import Right, Working
from recover_project.back_office.pages import page


@page("switch/", name="switch", right=Right.LOOK, needs_merchant=False)
@require_POST
def switch(request: HttpRequest, _at: Working) -> HttpResponse:
    if not access.switch(request, request.POST.get("merchant", "")):
        raise PermissionDenied
    return redirect("admin:index")


@receiver([hijack_started, hijack_ended])
def _stay(request: HttpRequest, **_: Any) -> None:
    """Staff begins and ends to look on as somebody; the merchant stays the one it was about."""
    before = access.working(request)
    if before and before.merchant:
        request.session[access.CHOSEN] = before.merchant.public_id
