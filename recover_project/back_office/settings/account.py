"""Settings → Account: what the merchant is called and counts in, and its own view of declines."""

import zoneinfo
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from recover_project.back_office.access import Right, Working
from recover_project.back_office.pages import page, show
from recover_project.back_office.settings.forms import Form, taken
from recovery import merchants
from recovery.declines import DeclineType
from recovery.models import DeclineOverride, Merchant
from recovery.models.merchants import (
    FEWEST_MESSAGE_DAYS,
    FEWEST_PAYLOAD_DAYS,
    LONGEST_NAME,
    MOST_MESSAGE_DAYS,
    MOST_PAYLOAD_DAYS,
)
from recovery.money import decimals, exists, major

HERE = "admin:settings"
TYPES = {
    DeclineType.SOFT: "soft: it may work later",
    DeclineType.HARD: "hard: only another card helps",
    DeclineType.ACTION_REQUIRED: "action required: the customer has to confirm",
}


CONTINENTS = {
    "Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian",
    "Pacific",
}  # fmt: skip


def time_zones() -> list[tuple[str, str]]:
    """UTC, those called by a place, then other names for them, which merchants may have."""
    known = zoneinfo.available_timezones() - {"UTC"}
    names = sorted(known, key=lambda name: (name.partition("/")[0] not in CONTINENTS, name))
    return [(name, name.replace("_", " ")) for name in ["UTC", *names]]


def read_currency(given: str) -> str:
    """As Stripe writes it. Raises ValidationError."""
    currency = given.lower()
    if not exists(currency):
        raise ValidationError("There is no such currency. Write it as usd.")
    return currency


class MoneyForm(Form):
    """The price is in major units of the currency beside it; it is kept in minor ones."""

    currency = forms.CharField(
        max_length=3, label="Currency of the figures", help_text="As Stripe writes it: usd, eur."
    )
    monthly_price = forms.CharField(
        max_length=30, required=False, label="What Recover costs a month",
        help_text="In that currency: 29.00. Empty, no figure says what Recover is worth.",
    )  # fmt: skip
    when_empty = "none"

    def clean_currency(self) -> str:
        return read_currency(self.cleaned_data["currency"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "currency" in cleaned and "monthly_price" in cleaned:
            price = cleaned["monthly_price"] or self.when_empty
            try:
                cleaned["monthly_price"] = merchants.read_price(price, cleaned["currency"])
            except merchants.InvalidPriceError:
                self.add_error("monthly_price", "Write it as 29.00, or leave it empty.")
        return cleaned


class AccountForm(MoneyForm):
    name = forms.CharField(max_length=200, help_text="As you are called here.")
    product_name = forms.CharField(
        max_length=LONGEST_NAME, help_text="As your customers know it: mails and pages say it."
    )
    time_zone = forms.ChoiceField(
        choices=time_zones, help_text="Days and months of the figures begin by its clock."
    )
    settling_minutes = forms.IntegerField(
        min_value=0, max_value=merchants.LONGEST_SETTLING,
        help_text="Minutes after a failed one-time payment until its buyer is first written to: "
        "many try again by themselves.",
    )  # fmt: skip
    payload_days = forms.IntegerField(
        min_value=FEWEST_PAYLOAD_DAYS, max_value=MOST_PAYLOAD_DAYS,
        label="Days that payloads are kept",
        help_text="What Stripe's events said word for word, names and addresses too, is forgotten "
        "after so many days, for good. That they came is kept, and so are cases and figures.",
    )  # fmt: skip
    message_days = forms.IntegerField(
        min_value=FEWEST_MESSAGE_DAYS, max_value=MOST_MESSAGE_DAYS, required=False,
        label="Days that mails are kept",
        help_text="What mails to customers said is forgotten after so many days, for good. That "
        "they were sent, to whom and when is kept. Empty: nothing is forgotten.",
    )  # fmt: skip
    field_order = (
        "name", "product_name", "time_zone", "currency", "monthly_price", "settling_minutes",
        "payload_days", "message_days",
    )  # fmt: skip

    def __init__(self, merchant: Merchant, given: Any = None) -> None:
        initial = {name: getattr(merchant, name) for name in self.field_order}
        if merchant.monthly_price is not None:
            price = major(merchant.monthly_price, merchant.currency)
            initial["monthly_price"] = f"{price:.{decimals(merchant.currency)}f}"
        super().__init__(given, initial=initial)


class OverrideForm(Form):
    decline_code = forms.CharField(
        max_length=100, help_text="As Stripe writes it: do_not_honor, say."
    )
    decline_type = forms.ChoiceField(label="Counts as", choices=list(TYPES.items()))


@page("settings/", name="settings_index", right=Right.LOOK)
@require_GET
def index(request: HttpRequest, at: Working) -> HttpResponse:  # noqa: ARG001
    """An address that people guess."""
    return redirect(HERE)


@page("settings/account/", name="settings", right=Right.LOOK, to_change=Right.OWN)
def account(request: HttpRequest, at: Working) -> HttpResponse:
    merchant = at.of
    if request.method != "POST":
        return _show(request, at, AccountForm(merchant))
    form = AccountForm(merchant, request.POST)

    def change() -> None:
        merchants.describe(merchant=merchant, given=form.cleaned_data)

    if not taken(form, at, change):
        return _show(request, at, form)
    messages.success(request, "Saved.")
    return redirect(HERE)


@page("settings/declines/", name="settings_declines", right=Right.OWN)
@require_POST
def override(request: HttpRequest, at: Working) -> HttpResponse:
    form = OverrideForm(request.POST)
    showing = 0

    def change() -> None:
        nonlocal showing
        showing = merchants.override_decline(
            merchant=at.of, decline_code=form.cleaned_data["decline_code"],
            decline_type=DeclineType(form.cleaned_data["decline_type"]),
        )  # fmt: skip

    if not taken(form, at, change):
        return _show(request, at, AccountForm(at.of), overriding=form)
    messages.success(request, f"Saved. {_shown_by(showing)}")
    return redirect(HERE)


@page("settings/declines/forget/", name="settings_declines_forget", right=Right.OWN)
@require_POST
def forget(request: HttpRequest, at: Working) -> HttpResponse:
    code = request.POST.get("decline_code", "")
    try:
        showing = merchants.forget_override(merchant=at.of, decline_code=code)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, f"{code} counts as for everybody again. {_shown_by(showing)}")
    return redirect(HERE)


def _shown_by(cases: int) -> str:
    """How many, so that a code that was misspelled is noticed."""
    if not cases:
        return "No open case shows it."
    return "1 open case shows it." if cases == 1 else f"{cases} open cases show it."


def _show(
    request: HttpRequest, at: Working, form: AccountForm, overriding: OverrideForm | None = None
) -> HttpResponse:
    own = DeclineOverride.by_code(at.of.pk)
    views = [(code, TYPES[own[code]], merchants.shipped(code)) for code in sorted(own)]
    return show(
        request, "back_office/settings/account.html", title="Account", form=form, views=views,
        overriding=overriding or OverrideForm(), may_own=at.may(Right.OWN), place=HERE,
    )  # fmt: skip
