"""A new merchant, made by the platform's staff; its keys are shown once."""

from dataclasses import asdict
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters

from recover_project.back_office import access
from recover_project.back_office.access import Right, Working
from recover_project.back_office.pages import page, show
from recover_project.back_office.settings.account import MoneyForm, time_zones
from recover_project.back_office.settings.forms import taken
from recover_project.back_office.settings.shown_once import Secret, show_once
from recovery import clock, merchants
from recovery.merchants import Credentials
from recovery.models.merchants import DEFAULT_SETTLING_MINUTES, LONGEST_NAME

PURPOSES = {
    "merchant_id": "Names the merchant to the commands.",
    "webhook_url": "Where an endpoint that is made by hand in Stripe sends its events.",
    "webhook_secret": "Signs what Stripe sends there.",
    "internal_key": "Programs of the platform send it as X-Internal-Key.",
    "api_key": "The merchant's programs send it as Authorization: Bearer, followed by the key.",
}


class NewMerchantForm(MoneyForm):
    name = forms.CharField(max_length=200)
    product_name = forms.CharField(
        max_length=LONGEST_NAME, required=False, help_text="As customers know it. Empty: the name."
    )
    time_zone = forms.ChoiceField(choices=time_zones)
    settling_minutes = forms.IntegerField(
        min_value=0, max_value=merchants.LONGEST_SETTLING,
        help_text="After a failed one-time payment, until its buyer is first written to.",
    )  # fmt: skip
    stripe_api_key = forms.CharField(
        max_length=255, required=False, label="Restricted Stripe key",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="To connect at once. It is not shown again.",
    )  # fmt: skip
    field_order = (
        "name", "product_name", "time_zone", "currency", "monthly_price", "settling_minutes",
        "stripe_api_key",
    )  # fmt: skip

    def __init__(self, given: Any = None) -> None:
        usual = {
            "currency": "usd", "time_zone": "UTC", "settling_minutes": DEFAULT_SETTLING_MINUTES,
        }  # fmt: skip
        super().__init__(given, initial=usual)
        self.fields[
            "monthly_price"
        ].help_text = "In that currency. Empty: 29.00 where it has cents, else no price."

    def clean_monthly_price(self) -> str:
        """The usual one where none is given; `clean` reads it."""
        given: str = self.cleaned_data["monthly_price"]
        return given or merchants.default_price(self.cleaned_data.get("currency", ""))


@page(
    "settings/merchants/new/", name="settings_new_merchant", right=Right.STAFF,
    needs_merchant=False,
)  # fmt: skip
@sensitive_post_parameters("stripe_api_key")
def new_merchant(request: HttpRequest, at: Working) -> HttpResponse:
    form = NewMerchantForm(request.POST if request.method == "POST" else None)
    made: list[Credentials] = []
    if request.method != "POST" or not taken(form, at, lambda: made.append(_make(form))):
        return show(
            request, "back_office/settings/new_merchant.html", title="New merchant", form=form
        )
    access.switch(request, made[0].merchant_id)
    secrets = [
        Secret(name.replace("_", " ").capitalize(), value, PURPOSES[name])
        for name, value in asdict(made[0]).items()
    ]
    return show_once(
        request, *secrets, heading=f"{form.cleaned_data['name']} is made",
        back=reverse("admin:settings"),
    )  # fmt: skip


def _make(form: NewMerchantForm) -> Credentials:
    about = {**form.cleaned_data, "webhook_secret": ""}
    now, api_key = clock.now(), about.pop("stripe_api_key")
    if api_key:
        return merchants.create_connected(api_key=api_key, now=now, **about)
    _merchant, made = merchants.create(now=now, **about)
    return made
