"""The way out of a merchant's mail (RFC 8058): one click in a mail program, or a page with one
button."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from billing_portal import presentation
from dunning import bounces, unsubscribing
from dunning.models import DunningMessage
from recovery.masking import mask_email

NEUTRAL = "#1f5eff"


@csrf_exempt  # the token in the address is the credential; a mail program posts without a page
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest) -> HttpResponse:
    """GET shows a page and changes nothing (mail scanners follow links); POST stops the mail."""
    now = timezone.now()
    message = unsubscribing.find(request.GET.get("token", ""), now=now)
    if message is None:
        return _page(request, None, "unsubscribe_unknown.html", status=400)
    if request.method == "POST":
        bounces.unsubscribed(message, now=now)
        return _page(request, message, "unsubscribed.html")
    return _page(request, message, "unsubscribe.html", action=request.get_full_path())


def _page(
    request: HttpRequest,
    message: DunningMessage | None,
    template: str,
    *,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    merchant = message.case.merchant if message else None
    accent, accent_text = presentation.accent(merchant.color if merchant else NEUTRAL)
    shown = {
        "merchant": merchant,
        "accent": accent,
        "accent_text": accent_text,
        "address": mask_email(message.recipient) if message else "",
        **context,
    }
    response = render(request, f"dunning/{template}", shown, status=status)
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "no-referrer"
    return response
