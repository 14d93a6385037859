"""The page behind the link (the contract, section 5)."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing_portal import (
    invoice_pages,
    link_pages,
    links,
    payment_updates,
    presentation,
    ways_to_stripe,
)
from billing_portal.link_pages import Visit
from billing_portal.links import LinkState
from billing_portal.models import PaymentUpdateLink
from billing_portal.pages import Button, Reader
from billing_portal.payment_updates import Charge, Overall, Result
from billing_portal.tokens import Purpose
from recovery.attempts import Outcome
from recovery.models import RecoveryCase

CAN_TRY_AGAIN = {Overall.UNCHANGED, Overall.DECLINED, Overall.PARTLY}
CAN_REFRESH = {Overall.PENDING, Overall.UNAVAILABLE}


@csrf_exempt  # the token in the body is the credential; there is no session to ride on
@require_http_methods(["GET", "HEAD", "POST"])
def update(request: HttpRequest) -> HttpResponse:
    """GET shows what failed and changes nothing; POST goes to Stripe."""
    now = timezone.now()
    token = (request.POST if request.method == "POST" else request.GET).get("token", "")
    found = links.find(token, now=now)
    visit = link_pages.visit(request, found, {"token": token})
    if found.state is LinkState.VALID and found.link is not None:
        if request.method == "POST":
            return ways_to_stripe.pay_or_update(visit, found.link)
        links.opened(found.link, now=now)
    return link_pages.state_page(visit, found)


@csrf_exempt
@require_POST
def invoice(request: HttpRequest) -> HttpResponse:
    """To the invoice's own page at Stripe, by the address that it has now."""
    token = request.POST.get("token", "")
    found = links.find(token, now=timezone.now())
    visit = link_pages.visit(request, found, {"token": token})
    if found.state is LinkState.VALID and found.link is not None:
        return ways_to_stripe.to_invoice(visit, found.link)
    return link_pages.state_page(visit, found)


@csrf_exempt
@require_POST
def replace(request: HttpRequest) -> HttpResponse:
    """An expired link's holder asks for a new one, which goes to the address on file: the page
    says the same whether there is one or not."""
    now = timezone.now()
    token = request.POST.get("token", "")
    found = links.find(token, now=now)
    visit = link_pages.visit(request, found, {"token": token})
    if found.link is None or found.state is not LinkState.EXPIRED:
        return link_pages.state_page(visit, found)
    links.request_replacement(found.link, now=now)
    return visit.page("replaced")


@require_GET
def come_back(request: HttpRequest) -> HttpResponse:
    """Back from Stripe: what is open is charged to the new card, and told how that went."""
    now = timezone.now()
    back = request.GET.get("r", "")
    found = links.find(back, now=now, purpose=Purpose.RETURN)
    visit = link_pages.visit(request, found, {"r": back}, path=links.RETURN_PATH)
    if found.link is None or found.state is LinkState.REVOKED:
        return link_pages.state_page(visit, found)
    if found.state is LinkState.EXPIRED:
        return visit.page("return_expired", status=410)
    return _result_page(visit, found.link, payment_updates.complete(found.link, now=now))


@require_GET
def come_back_from_checkout(request: HttpRequest) -> HttpResponse:
    """Back from Stripe's Checkout, where the customer paid or didn't."""
    back = request.GET.get("r", "")
    found = links.find(back, now=timezone.now(), purpose=Purpose.RETURN)
    visit = link_pages.visit(request, found, {"r": back}, path=links.CHECKOUT_RETURN_PATH)
    if found.state is LinkState.VALID and found.link is not None:
        return ways_to_stripe.checkout_page(visit, found.link)
    if found.state is LinkState.EXPIRED:
        return visit.page("checkout_expired", status=410)
    return link_pages.state_page(visit, found)


# --- back from Stripe's portal ------------------------------------------------------------------


def _result_page(visit: Visit, link: PaymentUpdateLink, result: Result) -> HttpResponse:
    to_confirm = [charge.case for charge in result.charges if _is_to_confirm(charge)]
    for case in to_confirm:
        invoice_pages.address(case, now=timezone.now())  # which the case then has
    has_links = len(to_confirm) > 1
    return visit.page(
        _name(result, to_confirm), buttons=_next(visit, link, result, to_confirm),
        results=[
            _row(charge, visit.reader, has_link=has_links and charge.case in to_confirm)
            for charge in result.charges
        ],
    )  # fmt: skip


def _is_to_confirm(charge: Charge) -> bool:
    is_asked = charge.result.outcome is Outcome.NEEDS_AUTHENTICATION
    return is_asked and bool(charge.case.hosted_invoice_url)


def _name(result: Result, to_confirm: list[RecoveryCase]) -> str:
    if result.overall is not Overall.NEEDS_AUTHENTICATION:
        return f"back_{result.overall}"
    if not to_confirm:
        return "back_confirm_by_mail"
    return "back_confirm_each" if len(to_confirm) > 1 else "back_confirm"


def _next(
    visit: Visit, link: PaymentUpdateLink, result: Result, to_confirm: list[RecoveryCase]
) -> list[Button]:
    if result.overall in CAN_REFRESH:
        return [Button(visit.request.get_full_path())]
    if result.overall in CAN_TRY_AGAIN:
        return [Button(links.UPDATE_PATH, {"token": links.reissue(link, now=timezone.now())})]
    is_one = result.overall is Overall.NEEDS_AUTHENTICATION and len(to_confirm) == 1
    return [Button(to_confirm[0].hosted_invoice_url)] if is_one else []


def _row(charge: Charge, reader: Reader, *, has_link: bool) -> dict[str, str]:
    """One debt and how charging it went; with the way to confirm it, where each needs its own."""
    case, outcome = charge.case, charge.result.outcome
    return {
        "amount": presentation.amount(case, reader.language),
        "description": case.description,
        "invoice_number": case.invoice_number,
        "outcome": outcome.value,
        "said": reader.words.outcomes[outcome],
        "confirm_url": case.hosted_invoice_url if has_link else "",
    }
