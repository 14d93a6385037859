"""Settings → Webhooks: the merchant's own endpoints, what they hear, and whether they work."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from recover_project.back_office.access import Right, Working
from recover_project.back_office.pages import page, show
from recover_project.back_office.settings.forms import Form, taken
from recover_project.back_office.settings.keys import OVERLAPS
from recover_project.back_office.settings.shown_once import Secret, show_once
from recovery import clock, webhook_registrations
from recovery.addresses import LONGEST_URL
from recovery.models import WebhookRegistration
from recovery.outbound_events import CHOOSABLE, EventType
from recovery.webhook_registrations import (
    LONGEST_DESCRIPTION,
    DisabledReason,
    RegistrationDisabledError,
)

HERE = "admin:settings_webhooks"
ONE = "admin:settings_webhook"
TOLD = {
    EventType.CASE_OPENED: "a payment failed and is being recovered",
    EventType.CASE_RECOVERED: "the money came",
    EventType.CASE_LOST: "the case was given up",
    EventType.CASE_VOIDED: "nothing was owed after all",
    EventType.MESSAGE_SENT: "a mail went to the customer",
    EventType.MESSAGE_BOUNCED: "a mail came back",
    EventType.ATTEMPT_FAILED: "a charge failed",
    EventType.ATTEMPT_SUCCEEDED: "a charge worked",
    EventType.LINK_OPENED: "the customer opened the link",
    EventType.TASK_CREATED: "a person has to do something",
    EventType.DUNNING_STEP: "a campaign's step for banners and text messages",
}
WHY_DISABLED: Mapping[str, str] = {
    DisabledReason.BY_MERCHANT: "You disabled it.",
    DisabledReason.GONE: "It answered that it is gone (410).",
    DisabledReason.FAILING: "It took nothing for days.",
}
PURPOSE = "It signs each message, by the rules of Standard Webhooks."


class WebhookForm(Form):
    url = forms.CharField(
        max_length=LONGEST_URL, label="Address",
        help_text="https, on the public internet. Messages that wait go to a new address too.",
    )  # fmt: skip
    description = forms.CharField(
        max_length=LONGEST_DESCRIPTION, required=False, help_text="A note for yourselves."
    )
    event_types = forms.MultipleChoiceField(
        label="It is told when", widget=forms.CheckboxSelectMultiple,
        choices=[(str(type_), f"{TOLD[type_]} ({type_})") for type_ in CHOOSABLE],
        error_messages={"required": "Choose at least one."},
    )  # fmt: skip


class ReplacementForm(Form):
    overlap_hours = forms.TypedChoiceField(
        label="The old secret signs beside the new one for", choices=OVERLAPS, coerce=int
    )


@page("settings/webhooks/", name="settings_webhooks", right=Right.OWN)
def webhooks(request: HttpRequest, at: Working) -> HttpResponse:
    registrations = WebhookRegistration.objects.of(at.of).order_by("-id")
    return show(
        request, "back_office/settings/webhooks.html", title="Webhooks",
        registrations=registrations, most=webhook_registrations.MOST_OF_A_MERCHANT, place=HERE,
    )  # fmt: skip


@page("settings/webhooks/new/", name="settings_webhook_new", right=Right.OWN)
def new(request: HttpRequest, at: Working) -> HttpResponse:
    form, secret = WebhookForm(request.POST if request.method == "POST" else None), ""
    public_id = ""

    def make() -> None:
        nonlocal secret, public_id
        registration, secret = webhook_registrations.register(
            merchant=at.of, now=clock.now(), **form.cleaned_data
        )
        public_id = registration.public_id

    if request.method != "POST" or not taken(form, at, make):
        return show(
            request, "back_office/settings/webhook_new.html", title="New webhook", form=form,
            trail=_trail(), place=HERE,
        )  # fmt: skip
    return show_once(
        request, Secret("Signing secret", secret, PURPOSE), heading="Signing secret",
        back=reverse(ONE, args=[public_id]),
    )  # fmt: skip


@page("settings/webhooks/<slug:public_id>/", name="settings_webhook", right=Right.OWN)
def webhook(request: HttpRequest, at: Working, *, public_id: str) -> HttpResponse:
    registration = _registration(at, public_id)
    if request.method != "POST":
        return _show_one(request, registration, _filled_in(registration))
    form = _filled_in(registration, request.POST)

    def change() -> None:
        webhook_registrations.update(
            registration=registration, now=clock.now(), **form.cleaned_data
        )

    if not taken(form, at, change):
        return _show_one(request, registration, form)
    messages.success(request, "Saved.")
    return redirect(ONE, public_id)


@page("settings/webhooks/<slug:public_id>/secret/", name="settings_webhook_secret",
      right=Right.OWN)  # fmt: skip
@require_POST
def replace_secret(request: HttpRequest, at: Working, *, public_id: str) -> HttpResponse:
    registration, form, secret = _registration(at, public_id), ReplacementForm(request.POST), ""

    def make() -> None:
        nonlocal secret
        secret = webhook_registrations.rotate_secret(
            registration=registration, now=clock.now(),
            overlap=timedelta(hours=form.cleaned_data["overlap_hours"]),
        )  # fmt: skip

    if not taken(form, at, make):
        return _show_one(request, registration, _filled_in(registration), replacement=form)
    return show_once(
        request, Secret("Signing secret", secret, PURPOSE), heading="New signing secret",
        back=reverse(ONE, args=[public_id]),
    )  # fmt: skip


def _enable(registration: WebhookRegistration) -> tuple[int, str]:
    webhook_registrations.enable(registration=registration, now=clock.now())
    return messages.SUCCESS, "Enabled. It hears what happens from now on."


def _disable(registration: WebhookRegistration) -> tuple[int, str]:
    webhook_registrations.disable(registration=registration, now=clock.now())
    return messages.SUCCESS, "Disabled. What waited for it is given up."


def _test(registration: WebhookRegistration) -> tuple[int, str]:
    try:
        webhook_registrations.send_test(registration=registration, now=clock.now())
    except RegistrationDisabledError as error:
        return messages.ERROR, str(error)
    return messages.SUCCESS, "A test is on its way: its deliveries say how that went."


def _delete(registration: WebhookRegistration) -> tuple[int, str]:
    webhook_registrations.remove(registration=registration)
    return messages.SUCCESS, "Deleted, with the log of its deliveries."


VERBS: Mapping[str, Callable[[WebhookRegistration], tuple[int, str]]] = MappingProxyType(
    {"enable": _enable, "disable": _disable, "test": _test, "delete": _delete}
)


@page("settings/webhooks/<slug:public_id>/<slug:verb>/", name="settings_webhook_do",
      right=Right.OWN)  # fmt: skip
@require_POST
def do(request: HttpRequest, at: Working, *, public_id: str, verb: str) -> HttpResponse:
    """What one button does."""
    registration = _registration(at, public_id)
    if verb not in VERBS:
        raise Http404
    level, told = VERBS[verb](registration)
    messages.add_message(request, level, told)
    return redirect(HERE) if verb == "delete" else redirect(ONE, public_id)


def _registration(at: Working, public_id: str) -> WebhookRegistration:
    return get_object_or_404(WebhookRegistration.objects.of(at.of), public_id=public_id)


def _filled_in(registration: WebhookRegistration, given: Any = None) -> WebhookForm:
    names = ("url", "description", "event_types")
    return WebhookForm(given, initial={name: getattr(registration, name) for name in names})


def _show_one(
    request: HttpRequest, registration: WebhookRegistration, form: WebhookForm,
    replacement: ReplacementForm | None = None,
) -> HttpResponse:  # fmt: skip
    registration.refresh_from_db()
    deliveries = reverse("admin:recovery_webhookdelivery_changelist")
    return show(
        request, "back_office/settings/webhook.html", title="Webhook", form=form,
        registration=registration, replacement=replacement or ReplacementForm(),
        why_disabled=WHY_DISABLED.get(registration.disabled_reason, ""),
        deliveries=f"{deliveries}?q={registration.public_id}", trail=_trail(), now=clock.now(),
        place=HERE,
    )  # fmt: skip


def _trail() -> list[tuple[str, str]]:
    return [("Webhooks", reverse(HERE))]
