"""Settings → Team: who works for the merchant, and as what."""

from typing import Any

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import messages
from django.core.cache import cache
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from recover_project.back_office.access import Right, Working
from recover_project.back_office.pages import page, show
from recover_project.back_office.people import looking_on, second_factor
from recover_project.back_office.settings import invitations
from recover_project.back_office.settings.forms import Form, taken
from recovery import merchants, team
from recovery.credentials.failed_logins import address_digest
from recovery.models import Membership, Role

HERE = "admin:settings_team"
ROLES = {
    Role.OPERATOR: "Operator: works cases",
    Role.VIEWER: "Viewer: looks",
    Role.OWNER: "Owner: changes everything, also this page",
}
BETWEEN = 60  # seconds between two mails to one address
GONE = "They don't work here any more."


class InvitationForm(Form):
    email = forms.EmailField(label="E-mail address")
    role = forms.ChoiceField(choices=list(ROLES.items()))


@page("settings/team/", name="settings_team", right=Right.OWN)
def members(request: HttpRequest, at: Working) -> HttpResponse:
    return _show(request, at, InvitationForm())


@page("settings/team/invite/", name="settings_team_invite", right=Right.OWN)
@require_POST
def invite(request: HttpRequest, at: Working) -> HttpResponse:
    form = InvitationForm(request.POST)
    made: list[Membership] = []

    def make() -> None:
        chosen = form.cleaned_data
        made.append(team.invite(merchant=at.of, email=chosen["email"], role=chosen["role"]))

    if not taken(form, at, make):
        return _show(request, at, form)
    _send(request, at, made[0])
    return redirect(HERE)


@page("settings/team/<int:pk>/invite/", name="settings_team_invite_again", right=Right.OWN)
@require_POST
def invite_again(request: HttpRequest, at: Working, *, pk: int) -> HttpResponse:
    _send(request, at, _member(at, pk))
    return redirect(HERE)


@page("settings/team/<int:pk>/role/", name="settings_team_role", right=Right.OWN)
@require_POST
def change_role(request: HttpRequest, at: Working, *, pk: int) -> HttpResponse:
    membership, role = _member(at, pk), request.POST.get("role", "")
    try:
        team.change_role(membership=membership, role=role)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    except team.LastOwnerError as error:
        messages.error(request, str(error))
    except Membership.DoesNotExist:
        messages.error(request, GONE)
    else:
        messages.success(request, f"{membership.user.email} is now {role}.")
    return _back(at, membership)


@page("settings/team/<int:pk>/remove/", name="settings_team_remove", right=Right.OWN)
@require_POST
def remove(request: HttpRequest, at: Working, *, pk: int) -> HttpResponse:
    membership = _member(at, pk)
    try:
        team.let_go(membership=membership)
    except team.LastOwnerError as error:
        messages.error(request, str(error))
    except Membership.DoesNotExist:
        messages.error(request, GONE)
    else:
        messages.success(request, f"{membership.user.email} sees nothing of {at.of} any more.")
    return _back(at, membership)


@page("settings/team/second-factor/", name="settings_team_second_factor", right=Right.OWN)
@require_POST
def require_second_factor(request: HttpRequest, at: Working) -> HttpResponse:
    is_wanted = request.POST.get("requires_second_factor") == "on"
    merchants.describe(merchant=at.of, given={"requires_second_factor": is_wanted})
    told = (
        "Owners need a second factor from now on." if is_wanted else "A password is enough again."
    )
    messages.success(request, told)
    return redirect(HERE)


@page("settings/team/<int:pk>/second-factor/", name="settings_team_forget_second_factor",
      right=Right.STAFF)  # fmt: skip
@require_POST
def forget_second_factor(request: HttpRequest, at: Working, *, pk: int) -> HttpResponse:
    user = _member(at, pk).user
    if not looking_on.may(hijacker=at.user, hijacked=user):
        raise PermissionDenied
    second_factor.forget(user, by=at.user)
    messages.success(request, f"{user.email} gets in with the password alone, and was told so.")
    return redirect(HERE)


def _member(at: Working, pk: int) -> Membership:
    return get_object_or_404(team.of_merchant(at.of), pk=pk)


def _back(at: Working, membership: Membership) -> HttpResponse:
    """Who is no owner any more by their own doing has no business here."""
    is_oneself = membership.user == at.user and not at.user.is_superuser
    return redirect("admin:index" if is_oneself else HERE)


def _send(request: HttpRequest, at: Working, membership: Membership) -> None:
    """No more than one mail a minute to an address, whoever asks for it."""
    email = membership.user.email
    written_to = f"invited:{address_digest(email)}"
    if not cache.add(written_to, 1, timeout=BETWEEN):
        messages.warning(request, f"{email} was written to a moment ago: wait a minute.")
    elif invitations.send(membership, invited_by=at.user):
        messages.success(request, f"{email} may come in: a mail says how.")
    else:
        cache.delete(written_to)
        messages.error(
            request, f"{email} may come in, but no mail could be sent. Send it again later."
        )


def _show(request: HttpRequest, at: Working, form: InvitationForm) -> HttpResponse:
    memberships = list(team.of_merchant(at.of))
    users = [membership.user_id for membership in memberships]
    guarded: set[Any] = set(
        Authenticator.objects.filter(user__in=users)
        .exclude(type=Authenticator.Type.RECOVERY_CODES)
        .values_list("user_id", flat=True)
    )
    rows = [
        {
            "membership": membership, "user": membership.user,
            "is_waited_for": not membership.user.has_usable_password(),
            "has_second_factor": membership.user_id in guarded,
            "is_oneself": membership.user == at.user,
            "is_in_staffs_hands": looking_on.may(hijacker=at.user, hijacked=membership.user),
        }
        for membership in memberships
    ]  # fmt: skip
    return show(
        request, "back_office/settings/team.html", title="Team", form=form, rows=rows,
        roles=list(ROLES.items()), place=HERE,
    )  # fmt: skip
