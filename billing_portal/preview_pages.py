"""The customers' pages, shown to an operator before a customer sees them.

Nothing in a preview works: it is a document without an origin, scripts or forms, and its links
lead nowhere. Opened by itself, it leads back to the page that says that it is a preview.
"""

from typing import Any
from urllib.parse import urlencode

from csp.constants import NONE, SELF
from csp.decorators import csp_replace
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from billing_portal import pages, previews
from billing_portal.pages import Reader
from billing_portal.preview_forms import PreviewForm
from recovery.admin import merchants_of
from recovery.models import Merchant

ONLY_TO_LOOK_AT = {"frame-ancestors": [SELF], "form-action": [NONE], "sandbox": True}


@require_safe
@csp_replace({"frame-src": [SELF]})  # type: ignore[arg-type] # it knows no view with arguments
def chooser(request: HttpRequest, merchant_id: str) -> HttpResponse:
    """What to look at, and below it the page itself in a frame."""
    merchant = _merchant(request, merchant_id)
    form = PreviewForm(request.GET.dict(), merchant=merchant)
    context = {
        **admin.site.each_context(request),
        "title": f"Preview: the pages of {merchant}'s customers",
        "merchant": merchant,
        "form": form,
        "shown": _shown(form, merchant) if form.is_valid() else None,
    }
    return render(request, "admin/billing_portal/preview.html", context)


def _shown(form: PreviewForm, merchant: Merchant) -> dict[str, Any]:
    chosen = form.cleaned_data
    frame = reverse("page_preview_frame", args=[merchant.public_id])
    return {
        "address": f"{frame}?{urlencode(chosen)}",
        "width": chosen["width"],
        "color": previews.told_of_color(chosen["color"] or merchant.color),
        "is_tried": bool(chosen["color"] or chosen["product_name"]),
    }


@require_safe
@csp_replace(ONLY_TO_LOOK_AT)  # type: ignore[arg-type]
@xframe_options_sameorigin
def frame(request: HttpRequest, merchant_id: str) -> HttpResponse:
    """A page as customers get it."""
    merchant = _merchant(request, merchant_id)
    if request.headers.get("Sec-Fetch-Dest") == "document":
        by_itself = reverse("page_preview", args=[merchant.public_id])
        return redirect(f"{by_itself}?{request.GET.urlencode()}")
    form = PreviewForm(request.GET.dict(), merchant=merchant)
    if not form.is_valid():
        return HttpResponseBadRequest("There is no such preview.", content_type="text/plain")
    chosen = form.cleaned_data
    shown = previews.dressed(merchant, color=chosen["color"], product_name=chosen["product_name"])
    reader = Reader(chosen["language"])
    content = previews.content(chosen["state"], reader=reader, merchant=shown, now=timezone.now())
    return pages.respond(
        request, content, reader=reader, preview=chosen["theme"],
        merchant=None if previews.is_nobodys(content.name) else shown,
    )  # fmt: skip


def _merchant(request: HttpRequest, public_id: str) -> Merchant:
    return get_object_or_404(merchants_of(request), public_id=public_id)
