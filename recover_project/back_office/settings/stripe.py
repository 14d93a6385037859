"""Settings → Stripe: how it is connected, what the key may do, and how to change either."""

from collections.abc import Collection
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from recover_project.back_office.access import Right, Working
from recover_project.back_office.pages import page, show
from recover_project.back_office.settings.forms import Form, taken
from recovery import clock, merchants, permissions
from recovery.models import StripeEvent

HERE = "admin:settings_stripe"
TAKEN = "This Stripe account is connected already, as another merchant here."


@dataclass(frozen=True)
class Allowed:
    """One thing that a key may do, or lacks."""

    name: str
    called: str
    purpose: str
    is_needed: bool
    is_there: bool


def checklist(missing: Collection[str]) -> list[Allowed]:
    """Each permission, those first that Recover can't do without."""
    purposes = {**permissions.REQUIRED, **permissions.OPTIONAL}
    return [
        Allowed(
            name, permissions.called(name), purpose, is_needed=name in permissions.REQUIRED,
            is_there=name not in missing,
        )
        for name, purpose in purposes.items()
    ]  # fmt: skip


class KeyForm(Form):
    """A key is never shown again, also not to whoever typed it."""

    api_key = forms.CharField(
        max_length=255, label="Restricted key",
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="It begins with rk_live_ or rk_test_. It is kept encrypted and not shown again.",
    )  # fmt: skip


@page("settings/stripe/", name="settings_stripe", right=Right.OWN)
@sensitive_post_parameters("api_key")
def stripe(request: HttpRequest, at: Working) -> HttpResponse:
    if request.method != "POST":
        return _show(request, at, KeyForm())
    form, is_only_looked_at = KeyForm(request.POST), "look" in request.POST
    missing: list[str] | None = None

    def use() -> None:
        nonlocal missing
        key = form.cleaned_data["api_key"]
        try:
            if is_only_looked_at:
                missing = merchants.probe(key)
            else:
                merchants.connect(merchant=at.of, api_key=key, now=clock.now())
        except merchants.MissingPermissionsError as error:
            missing = error.missing
            form.add_error("api_key", "Nothing is connected: the key lacks what is marked below.")
        except merchants.AccountTakenError as error:
            raise merchants.ConnectError(TAKEN) from error

    if not taken(form, at, use) or missing is not None:
        at.of.refresh_from_db()
        return _show(request, at, form, missing=missing)
    messages.success(request, "Connected. Stripe tells Recover of payments from now on.")
    return redirect(HERE)


@page("settings/stripe/look/", name="settings_stripe_look", right=Right.OWN)
@require_POST
def look_again(request: HttpRequest, at: Working) -> HttpResponse:
    try:
        missing = merchants.look_again(merchant=at.of, now=clock.now())
    except merchants.ConnectError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request, "The key lacks what is marked below." if missing else "The key lacks nothing."
        )
    return redirect(HERE)


@page("settings/stripe/rotate/", name="settings_stripe_rotate", right=Right.OWN)
@require_POST
def rotate(request: HttpRequest, at: Working) -> HttpResponse:
    try:
        merchants.rotate_signing_secret(merchant=at.of)
    except merchants.ConnectError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Replaced. Nothing that the old secret signs is believed now.")
    return redirect(HERE)


@page("settings/stripe/disconnect/", name="settings_stripe_disconnect", right=Right.OWN)
@require_POST
def disconnect(request: HttpRequest, at: Working) -> HttpResponse:
    try:
        left = merchants.disconnect(merchant=at.of, now=clock.now())
    except merchants.ConnectError as error:
        messages.error(request, str(error))
        return redirect(HERE)
    messages.success(request, "Disconnected. Nobody is charged or written to until it is again.")
    if left:
        messages.warning(
            request, f"Stripe didn't delete the endpoint {left}: delete it in Stripe's dashboard, "
            "under Developers → Webhooks.",
        )  # fmt: skip
    return redirect(HERE)


def _show(
    request: HttpRequest, at: Working, form: KeyForm, *, missing: list[str] | None = None
) -> HttpResponse:
    """`missing` is what a key lacks that was just looked at, and isn't the connected one."""
    connection = at.of.stripe
    events = StripeEvent.objects.of(at.of).order_by("-id")
    return show(
        request, "back_office/settings/stripe.html", title="Stripe", form=form,
        connection=connection, is_linked=connection.is_connected and not connection.api_key,
        can_link=merchants.can_link(),
        last_event=events.values("type", "received_at").first(),
        looked_at=None if missing is None else checklist(missing), missing=missing,
        kept=checklist(connection.missing_permissions) if connection.api_key else None,
        new_keys=[
            (mode, permissions.address_of_new_key(livemode=mode == "live"))
            for mode in ("live", "test")
        ],
        place=HERE,
    )  # fmt: skip
