"""Settings → Keys: what programs show to use the API, made, shown once, replaced and ended."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from recover_project.back_office.access import Right, Working
from recover_project.back_office.pages import page, show
from recover_project.back_office.settings.forms import Form, taken
from recover_project.back_office.settings.shown_once import Secret, show_once
from recovery import clock, credentials
from recovery.credentials import api_keys, internal_keys
from recovery.models import ApiKey, InternalKey
from recovery.scopes import SPELLINGS

HERE = "admin:settings_keys"
MOST_SHOWN = 200
SCOPES = {"read write": "Read and write", "read": "Read only"}
LIFETIMES = ((30, "30 days"), (90, "90 days"), (365, "a year"), (730, "two years"))
OVERLAPS = ((24, "a day"), (1, "an hour"), (7 * 24, "a week"), (0, "not at all: it has leaked"))


class ApiKeyForm(Form):
    name = forms.CharField(
        max_length=api_keys.LONGEST_NAME, label="What it is for",
        help_text="Timelines say it of what the key did. No address of a person.",
    )  # fmt: skip
    scopes = forms.ChoiceField(label="It may", choices=list(SCOPES.items()))
    days = forms.TypedChoiceField(label="It is valid for", choices=LIFETIMES, coerce=int)

    def __init__(self, given: Any = None) -> None:
        super().__init__(given, initial={"days": 365})


class OverlapForm(Form):
    overlap_hours = forms.TypedChoiceField(
        label="The key that it replaces works on for", choices=OVERLAPS, coerce=int
    )


@page("settings/keys/", name="settings_keys", right=Right.OWN)
def keys(request: HttpRequest, at: Working) -> HttpResponse:
    return _show(request, at)


@page("settings/keys/api/", name="settings_api_key_new", right=Right.OWN)
@require_POST
def new_api_key(request: HttpRequest, at: Working) -> HttpResponse:
    form, made = ApiKeyForm(request.POST), ""

    def make() -> None:
        nonlocal made
        chosen = form.cleaned_data
        made = credentials.new_api_key(
            merchant=at.of, name=chosen["name"], now=clock.now(),
            scopes=SPELLINGS[chosen["scopes"]], lifetime=timedelta(days=chosen["days"]),
        )  # fmt: skip

    if not taken(form, at, make):
        return _show(request, at, form)
    purpose = "Programs send it as Authorization: Bearer, followed by the key."
    return show_once(
        request, Secret("API key", made, purpose), heading=f"API key: {form.cleaned_data['name']}",
        back=reverse(HERE),
    )  # fmt: skip


@page("settings/keys/api/<slug:key_id>/revoke/", name="settings_api_key_revoke", right=Right.OWN)
@require_POST
def revoke_api_key(request: HttpRequest, at: Working, *, key_id: str) -> HttpResponse:
    key = get_object_or_404(ApiKey.objects.of(at.of), key_id=key_id)
    credentials.revoke_api_key(key=key, now=clock.now())
    messages.success(request, f"{key} opens nothing any more.")
    return redirect(HERE)


@page("settings/keys/internal/", name="settings_internal_key_new", right=Right.OWN)
@require_POST
def new_internal_key(request: HttpRequest, at: Working) -> HttpResponse:
    form, made = OverlapForm(request.POST), ""

    def make() -> None:
        nonlocal made
        overlap = timedelta(hours=form.cleaned_data["overlap_hours"])
        made = credentials.new_internal_key(merchant=at.of, now=clock.now(), overlap=overlap)

    if not taken(form, at, make):
        return _show(request, at, overlap=form)
    return show_once(
        request, Secret("Internal key", made, "Programs send it as X-Internal-Key."),
        heading="Internal key", back=reverse(HERE),
    )  # fmt: skip


@page(
    "settings/keys/internal/<int:pk>/revoke/", name="settings_internal_key_revoke", right=Right.OWN
)
@require_POST
def revoke_internal_key(request: HttpRequest, at: Working, *, pk: int) -> HttpResponse:
    key = get_object_or_404(InternalKey.objects.of(at.of), pk=pk)
    credentials.revoke_internal_key(key=key, now=clock.now())
    messages.success(request, f"The internal key {key} opens nothing any more.")
    return redirect(HERE)


def _show(
    request: HttpRequest, at: Working,
    form: ApiKeyForm | None = None, overlap: OverlapForm | None = None,
) -> HttpResponse:  # fmt: skip
    now = clock.now()
    own = [(key, SCOPES[key.scopes]) for key in api_keys.of_merchant(at.of)[:MOST_SHOWN]]
    return show(
        request, "back_office/settings/keys.html", title="Keys", now=now,
        form=form or ApiKeyForm(), overlap=overlap or OverlapForm(), api_keys=own,
        internal_keys=internal_keys.of_merchant(at.of)[:MOST_SHOWN], place=HERE,
    )  # fmt: skip
