"""Stripe connected by its own page (OAuth): an owner goes there and comes back with a code.

What they come back with is believed only with the state that they left with: it is in their
session alone, for one merchant, good once and for a quarter of an hour.
"""

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_POST

from recover_project.back_office.access import Right, Working
from recover_project.back_office.pages import page
from recover_project.back_office.settings.stripe import HERE, TAKEN
from recovery import clock, merchants

KEPT_AS = "linking_stripe"  # in the session
GOOD_FOR = timedelta(minutes=15)
NOT_OURS = "This didn't begin here, or too long ago: nothing is connected. Start again."


@page("settings/stripe/link/", name="settings_stripe_link", right=Right.OWN)
@require_POST
def leave(request: HttpRequest, at: Working) -> HttpResponse:
    if not merchants.can_link():
        raise PermissionDenied
    state = secrets.token_urlsafe(32)
    request.session[KEPT_AS] = {
        "state": state, "merchant": at.of.public_id, "at": clock.now().isoformat(),
    }  # fmt: skip
    back = settings.PUBLIC_URL + reverse("admin:settings_stripe_linked")
    return redirect(merchants.link_address(state=state, back=back))


@page("settings/stripe/linked/", name="settings_stripe_linked", right=Right.OWN)
@require_GET
@sensitive_variables("code")
def come_back(request: HttpRequest, at: Working) -> HttpResponse:
    kept, code = request.session.pop(KEPT_AS, None), request.GET.get("code", "")
    if not _is_ours(kept, request.GET.get("state", ""), at, now=clock.now()):
        messages.error(request, NOT_OURS)
    elif not code:
        messages.warning(request, "You didn't say yes at Stripe: nothing is connected.")
    else:
        _link(request, at, code)
    return redirect(HERE)


def _is_ours(kept: dict[str, str] | None, state: str, at: Working, *, now: datetime) -> bool:
    if kept is None or not constant_time_compare(kept["state"], state):
        return False
    is_fresh = now - datetime.fromisoformat(kept["at"]) < GOOD_FOR
    return is_fresh and kept["merchant"] == at.of.public_id


def _link(request: HttpRequest, at: Working, code: str) -> None:
    try:
        merchants.link(merchant=at.of, code=code, now=clock.now())
    except merchants.AccountTakenError:
        messages.error(request, TAKEN)
    except merchants.ConnectError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Connected. Stripe tells Recover of payments from now on.")
