"""The page behind the link (the contract, section 5)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing_portal import links, payment_updates, presentation
from billing_portal.links import Found, LinkState
from billing_portal.models import PaymentUpdateLink
from billing_portal.payment_updates import NoPortalError, Overall, Result
from billing_portal.tokens import Purpose
from recovery.declines import AUTHENTICATION_CODES
from recovery.models import Merchant
from recovery.state_machine import Status
from recovery.stripe_errors import (
    StripeUnavailableError,
)

STATUS_CODES: Mapping[LinkState, int] = MappingProxyType(
    {
        LinkState.VALID: 200,
        LinkState.PAID: 200,
        LinkState.VOIDED: 200,
        LinkState.EXPIRED: 410,
        LinkState.REVOKED: 410,
        LinkState.FORGED: 400,
    }
)
NEUTRAL = "#1f5eff"
CAN_TRY_AGAIN = {Overall.UNCHANGED, Overall.DECLINED, Overall.PARTLY}


class SeeOther(HttpResponseRedirect):
    """After a POST, go there with a GET."""

    status_code = 303
    allowed_schemes = ["http", "https"]


@csrf_exempt  # the token in the body is the credential; there is no session to ride on
@require_http_methods(["GET", "HEAD", "POST"])
def update(request: HttpRequest) -> HttpResponse:
    """GET shows what failed and changes nothing; POST goes to Stripe's portal."""
    now = timezone.now()
    token = (request.POST if request.method == "POST" else request.GET).get("token", "")
    found = links.find(token, now=now)
    if found.state is LinkState.VALID and found.link is not None:
        if request.method == "POST":
            return _go_to_portal(request, found.link, token)
        links.opened(found.link, now=now)
    return _state_page(request, found, token)


def _state_page(request: HttpRequest, found: Found, token: str = "") -> HttpResponse:
    """What a link's holder can do about it."""
    if found.state is LinkState.VALID and found.link is not None:
        return _page(request, "valid.html", found, **_debt(found.link, token))
    status = STATUS_CODES[found.state]
    return _page(
        request, f"{found.state}.html", found, status=status, token=token,
        action=links.REPLACE_PATH,
    )  # fmt: skip


def _go_to_portal(request: HttpRequest, link: PaymentUpdateLink, token: str) -> HttpResponse:
    found = Found(LinkState.VALID, link)
    try:
        return SeeOther(payment_updates.begin(link, now=timezone.now()))
    except NoPortalError:
        return _page(request, "no_portal.html", found, **_debt(link, token))
    except StripeUnavailableError:
        return _page(request, "unavailable.html", found, status=503, **_debt(link, token))


@csrf_exempt
@require_POST
def replace(request: HttpRequest) -> HttpResponse:
    """An expired link's holder asks for a new one, which goes to the address on file: the page
    says the same whether there is one or not."""
    now = timezone.now()
    token = request.POST.get("token", "")
    found = links.find(token, now=now)
    if found.link is None or found.state is not LinkState.EXPIRED:
        return _state_page(request, found, token)
    links.request_replacement(found.link, now=now)
    return _page(request, "replaced.html", found)


@require_GET
def come_back(request: HttpRequest) -> HttpResponse:
    """Back from Stripe: what is open is charged to the new card, and told how that went."""
    now = timezone.now()
    found = links.find(request.GET.get("r", ""), now=now, purpose=Purpose.RETURN)
    if found.link is None or found.state is LinkState.REVOKED:
        return _state_page(request, found)
    if found.state is LinkState.EXPIRED:
        return _page(request, "return_expired.html", found, status=410)
    result = payment_updates.complete(found.link, now=now)
    return _page(request, "result.html", found, **_told(request, found.link, result))


def _told(request: HttpRequest, link: PaymentUpdateLink, result: Result) -> dict[str, Any]:
    charges = [
        {
            "amount": presentation.amount(charge.case),
            "description": charge.case.description,
            "invoice_number": charge.case.invoice_number,
            "outcome": charge.result.outcome.value,
            "hosted_invoice_url": charge.case.hosted_invoice_url,
        }
        for charge in result.charges
    ]
    try_again = result.overall in CAN_TRY_AGAIN
    return {
        "results": charges,
        "overall": result.overall.value,
        "action": links.UPDATE_PATH,
        "token": links.reissue(link, now=timezone.now()) if try_again else "",
        "refresh_url": request.get_full_path(),
        "to_confirm": [
            charge["hosted_invoice_url"] for charge in charges
            if charge["outcome"] == "needs_authentication" and charge["hosted_invoice_url"]
        ],
    }  # fmt: skip


def _debt(link: PaymentUpdateLink, token: str) -> dict[str, Any]:
    case = link.case
    return {
        "case": case,
        "amount": presentation.amount(case),
        "failed_on": presentation.day(case.failed_at, case.merchant),
        "reason": presentation.reason(case),
        "card": presentation.card(case),
        "is_given_up": case.status == Status.LOST,
        "owes_more": links.owed(case).exclude(pk=case.pk).exists(),
        "hosted_invoice_url": case.hosted_invoice_url,
        # A new card would be asked for the same confirmation: the bank's question comes first.
        "confirm_url": (
            case.hosted_invoice_url if case.decline_code in AUTHENTICATION_CODES else ""
        ),
        "token": token,
        "action": links.UPDATE_PATH,
    }


def _page(
    request: HttpRequest, template: str, found: Found, *, status: int = 200, **context: Any
) -> HttpResponse:
    merchant: Merchant | None = found.link.case.merchant if found.link else None
    accent, accent_text = presentation.accent(merchant.color if merchant else NEUTRAL)
    response = render(
        request,
        f"billing_portal/{template}",
        {
            "merchant": merchant,
            "accent": accent,
            "accent_text": accent_text,
            "state": found.state.value,
            **context,
        },
        status=status,
    )
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "no-referrer"
    if status == 503:
        response["Retry-After"] = "60"
    return response
