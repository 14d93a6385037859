"""The customers' pages, shown to an operator before a customer sees them.

Nothing in a preview works: it is a document without an origin, scripts or forms, and its links
lead nowhere. Opened by itself, it leads back to the page that says that it is a preview.
"""

from typing import Any
from urllib.parse import urlencode

from csp.constants import NONCE, SELF
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from billing_portal import pages, previews
from billing_portal.pages import Reader
from billing_portal.preview_forms import PreviewForm
from recover_project.back_office.access import Right, Working
from recover_project.back_office.framed import frames_ours, only_to_look_at
from recover_project.back_office.pages import page, show
from recovery import clock
from recovery.models import Merchant


@page("preview/", name="preview", right=Right.LOOK)
@require_safe
@frames_ours
def chooser(request: HttpRequest, at: Working) -> HttpResponse:
    """What to look at, and below it the page itself in a frame."""
    merchant = at.of
    form = PreviewForm(request.GET.dict(), merchant=merchant)
    return show(
        request, "back_office/preview.html", title=f"Preview: the pages of {merchant}'s customers",
        form=form, shown=_shown(form, merchant) if form.is_valid() else None,
    )  # fmt: skip


def _shown(form: PreviewForm, merchant: Merchant) -> dict[str, Any]:
    chosen = form.cleaned_data
    frame = reverse("admin:preview_frame")
    return {
        "address": f"{frame}?{urlencode(chosen)}",
        "width": chosen["width"],
        "color": previews.told_of_color(chosen["color"] or merchant.color),
        "is_tried": bool(chosen["color"] or chosen["product_name"]),
    }


@page("preview/frame/", name="preview_frame", right=Right.LOOK)
@require_safe
@only_to_look_at(SELF, NONCE)  # a customer's page, not the theme's
def frame(request: HttpRequest, at: Working) -> HttpResponse:
    """A page as customers get it."""
    merchant = at.of
    if request.headers.get("Sec-Fetch-Dest") == "document":
        by_itself = reverse("admin:preview")
        return redirect(f"{by_itself}?{request.GET.urlencode()}")
    form = PreviewForm(request.GET.dict(), merchant=merchant)
    if not form.is_valid():
        return HttpResponseBadRequest("There is no such preview.", content_type="text/plain")
    chosen = form.cleaned_data
    shown = previews.dressed(merchant, color=chosen["color"], product_name=chosen["product_name"])
    reader = Reader(chosen["language"])
    content = previews.content(chosen["state"], reader=reader, merchant=shown, now=clock.now())
    return pages.respond(
        request, content, reader=reader, preview=chosen["theme"],
        merchant=None if previews.is_nobodys(content.name) else shown,
    )  # fmt: skip
