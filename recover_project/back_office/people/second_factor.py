"""Whoever must have a second factor gets nowhere in the back office until they do; and whoever
looks on as a user leaves the user's password, factors and sessions alone."""

from collections.abc import Callable

from allauth.account.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from recover_project.back_office.people import looking_on
from recover_project.back_office.people.noting import note
from recover_project.routes import BACK_OFFICE
from recovery.models import Membership, Role, User

View = Callable[[HttpRequest], HttpResponseBase]
WAY_IN, OUT = f"{BACK_OFFICE}account/", f"{BACK_OFFICE}logout/"
LEAVE = f"{WAY_IN}logout/"
ASKED = "Your account needs a second factor. Set it up here, and you go on."


def second_factor_first(get_response: View) -> View:
    def answer(request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if path.startswith(WAY_IN) and path != LEAVE and looking_on.is_on(request):
            raise PermissionDenied
        if not path.startswith(BACK_OFFICE) or path.startswith((WAY_IN, OUT)):
            return get_response(request)
        user = request.user
        if isinstance(user, User) and _lacks_it(request, user):
            messages.warning(request, ASKED)
            return redirect("mfa_activate_totp")
        return get_response(request)

    return answer


def _lacks_it(request: HttpRequest, user: User) -> bool:
    # Who looks on as a user has shown their own.
    return must_have_one(user) and not is_mfa_enabled(user) and not looking_on.is_on(request)


def must_have_one(user: User) -> bool:
    """The platform's staff in production, and owners of merchants that want it."""
    if user.is_superuser:
        return not settings.DEBUG
    return Membership.objects.filter(
        user=user, role=Role.OWNER, merchant__requires_second_factor=True
    ).exists()


@transaction.atomic
def forget(user: User, *, by: User) -> None:
    """Whoever lost theirs, with the recovery codes: the password alone lets them in, to set up
    another where one is asked for. They are told by mail."""
    Authenticator.objects.filter(user=user).delete()
    note(user, by=by, about="second factor", what="took it away: it was lost")
    mail = get_adapter()
    transaction.on_commit(lambda: mail.send_notification_mail("mfa/email/totp_deactivated", user))
