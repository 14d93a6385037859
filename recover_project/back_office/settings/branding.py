"""Settings → Branding: the logo, the color, and where to see them."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from billing_portal import logos as shown_logos
from billing_portal import previews
from recover_project.back_office.access import Right, Working
from recover_project.back_office.pages import page, show
from recover_project.back_office.settings.forms import Form, taken
from recovery import logos, merchants
from recovery.models import Merchant
from recovery.models.merchants import COLOR
from recovery.pictures import LARGEST_GIVEN

HERE = "admin:settings_branding"
COLOR_PICKER = forms.TextInput(attrs={"type": "color"})


class BrandingForm(Form):
    color = forms.CharField(
        label="Color of buttons and links", validators=[COLOR], widget=COLOR_PICKER
    )
    logo = forms.FileField(
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/png, image/jpeg, image/webp, image/gif"}),
        help_text="A PNG, JPEG, WebP or GIF of up to 5 MB. It is made small, and kept here.",
    )
    without_logo = forms.BooleanField(required=False, label="Without a logo from now on")

    def __init__(self, merchant: Merchant, given: Any = None, files: Any = None) -> None:
        super().__init__(given, files, initial={"color": merchant.color})
        if logos.of(merchant) is None:
            del self.fields["without_logo"]

    def clean_logo(self) -> bytes | None:
        """No more of it than tells that it is too large. Empty files are refused by the field."""
        file = self.cleaned_data["logo"]
        return file.read(LARGEST_GIVEN + 1) if isinstance(file, UploadedFile) else None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.pop("without_logo", False):
            if cleaned.get("logo"):
                raise ValidationError({"logo": "Choose a file or no logo, not both."})
            cleaned["logo"] = b""
        return cleaned


@page("settings/branding/", name="settings_branding", right=Right.LOOK, to_change=Right.OWN)
def branding(request: HttpRequest, at: Working) -> HttpResponse:
    merchant = at.of
    if request.method != "POST":
        return _show(request, at, BrandingForm(merchant))
    form = BrandingForm(merchant, request.POST, request.FILES)

    def change() -> None:
        given = {"color": form.cleaned_data["color"]}
        merchants.brand(merchant=merchant, given=given, logo=form.cleaned_data["logo"])

    if not taken(form, at, change):
        return _show(request, at, form)
    messages.success(request, f"Saved. {previews.told_of_color(merchant.color)}")
    return redirect(HERE)


def _show(request: HttpRequest, at: Working, form: BrandingForm) -> HttpResponse:
    return show(
        request, "back_office/settings/branding.html", title="Branding", form=form,
        logo=shown_logos.shown(at.of), color=at.of.color,
        told_of_color=previews.told_of_color(at.of.color),
        may_own=at.may(Right.OWN), place=HERE,
    )  # fmt: skip
