"""Settings → Mail: who mails are from, where answers go, and when customers are written to."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from recover_project.back_office.access import Right, Working
from recover_project.back_office.pages import page, show
from recover_project.back_office.settings.forms import Form, taken
from recovery import merchants
from recovery.models import Merchant

HERE = "admin:settings_mail"
DAYS = tuple(zip("1234567", ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), strict=True))
FROM_HOURS = [(hour, f"{hour}:00") for hour in range(24)]
UNTIL_HOURS = [(hour, f"{hour}:00") for hour in range(1, 25)]


class AddressesForm(Form):
    sender_email = forms.EmailField(
        required=False, label="Mails are from",
        help_text="Empty: from the platform's address, with your product name before it.",
    )  # fmt: skip
    support_email = forms.EmailField(
        required=False, label="Answers and questions go to",
        help_text="Mails and pages name it. Empty: customers are told of no address.",
    )  # fmt: skip

    def __init__(self, merchant: Merchant, given: Any = None) -> None:
        names = ("sender_email", "support_email")
        super().__init__(given, initial={name: getattr(merchant, name) for name in names})


class WindowForm(Form):
    send_from_hour = forms.TypedChoiceField(label="From", choices=FROM_HOURS, coerce=int)
    send_until_hour = forms.TypedChoiceField(label="Until", choices=UNTIL_HOURS, coerce=int)
    send_weekdays = forms.MultipleChoiceField(
        label="On", choices=DAYS, widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one day."},
    )  # fmt: skip

    def __init__(self, merchant: Merchant, given: Any = None) -> None:
        initial = {name: getattr(merchant, name) for name in merchants.SEND_WINDOW}
        initial["send_weekdays"] = list(merchant.send_weekdays)
        super().__init__(given, initial=initial)

    def clean_send_weekdays(self) -> str:
        return "".join(sorted(self.cleaned_data["send_weekdays"]))


@page("settings/mail/", name="settings_mail", right=Right.LOOK)
def mail(request: HttpRequest, at: Working) -> HttpResponse:
    return _show(request, at)


@page("settings/mail/addresses/", name="settings_mail_addresses", right=Right.OWN)
@require_POST
def addresses(request: HttpRequest, at: Working) -> HttpResponse:
    form = AddressesForm(at.of, request.POST)

    def change() -> None:
        merchants.brand(merchant=at.of, given=form.cleaned_data)

    if not taken(form, at, change):
        return _show(request, at, addresses=form)
    messages.success(request, "Saved.")
    return redirect(HERE)


@page("settings/mail/window/", name="settings_mail_window", right=Right.OWN)
@require_POST
def window(request: HttpRequest, at: Working) -> HttpResponse:
    form = WindowForm(at.of, request.POST)

    def change() -> None:
        merchants.set_send_window(merchant=at.of, given=form.cleaned_data)

    if not taken(form, at, change):
        return _show(request, at, window=form)
    messages.success(request, "Saved. What is due outside of it waits.")
    return redirect(HERE)


def _show(
    request: HttpRequest, at: Working,
    addresses: AddressesForm | None = None, window: WindowForm | None = None,
) -> HttpResponse:  # fmt: skip
    sender = at.of.sender_email
    return show(
        request, "back_office/settings/mail.html", title="Mail",
        addresses=addresses or AddressesForm(at.of), window=window or WindowForm(at.of),
        domain=sender.rpartition("@")[2], platform_sender=settings.DEFAULT_FROM_EMAIL,
        leaves_by=_leaves_by(), may_own=at.may(Right.OWN), place=HERE,
    )  # fmt: skip


def _leaves_by() -> str:
    """Whose records the sender's domain has to allow; "" where mail leaves for nowhere."""
    if settings.EMAIL_PROVIDER:
        return str(settings.EMAIL_PROVIDER).title()
    return settings.EMAIL_HOST if settings.EMAIL_BACKEND.endswith("smtp.EmailBackend") else ""
