"""The page behind the link (the contract, section 5)."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing_portal import (
    link_pages,
    links,
    openings,
    payment_updates,
    result_pages,
    ways_to_stripe,
)
from billing_portal.links import LinkState
from billing_portal.tokens import Purpose
from recovery import clock

AROUND = " \t\r\n.,;:!?()[]<>{}'\"“”"  # what a sentence or a chat leaves at a link's end


@csrf_exempt  # the token in the body is the credential; there is no session to ride on
@require_http_methods(["GET", "HEAD", "POST"])
def update(request: HttpRequest) -> HttpResponse:
    """GET shows what failed and changes nothing; POST goes to Stripe."""
    now, is_to_pay = clock.now(), request.method == "POST"
    token = (request.POST if is_to_pay else request.GET).get("token", "").strip(AROUND)
    found = links.find(token, now=now, is_to_show=not is_to_pay)
    visit = link_pages.visit(request, found, {"token": token})
    if is_to_pay and found.link is not None and link_pages.leads_on(found):
        return link_pages.SeeOther(link_pages.onward(visit, found.link).url)
    if found.state is LinkState.VALID and found.link is not None:
        if is_to_pay:
            return ways_to_stripe.pay_or_update(visit, found.link)
        is_news = found.link.opened_at is None
        if is_news and openings.counts(method=request.method or "", headers=request.headers):
            links.opened(found.link, now=now)
    return link_pages.state_page(visit, found)


@csrf_exempt
@require_POST
def invoice(request: HttpRequest) -> HttpResponse:
    """To the invoice's own page at Stripe, by the address that it has now."""
    token = request.POST.get("token", "")
    found = links.find(token, now=clock.now())
    visit = link_pages.visit(request, found, {"token": token})
    if found.state is LinkState.VALID and found.link is not None:
        return ways_to_stripe.to_invoice(visit, found.link)
    return link_pages.state_page(visit, found)


@csrf_exempt
@require_POST
def replace(request: HttpRequest) -> HttpResponse:
    """An expired link's holder asks for a new one, which goes to the address on file: the page
    says the same whether there is one or not."""
    now = clock.now()
    token = request.POST.get("token", "")
    found = links.find(token, now=now)
    visit = link_pages.visit(request, found, {"token": token})
    if found.link is None or found.state is not LinkState.EXPIRED:
        return link_pages.state_page(visit, found)
    links.request_replacement(found.link, now=now)
    return visit.page("replaced")


@csrf_exempt
@require_http_methods(["GET", "POST"])
def come_back(request: HttpRequest) -> HttpResponse:
    """Back from Stripe: what is open is charged to the new card, and told how that went. A card
    that was on file before is charged by a POST that names it."""
    if openings.is_ahead(request.headers):
        return link_pages.NotAhead()
    now = clock.now()
    told = request.POST if request.method == "POST" else request.GET
    back, is_done = told.get("r", ""), "done" in told
    found = links.find(back, now=now, purpose=Purpose.RETURN)
    query = {"r": back} | (links.DONE if is_done else {})
    visit = link_pages.visit(request, found, query, path=links.RETURN_PATH)
    if found.link is None or found.state is LinkState.REVOKED:
        return link_pages.state_page(visit, found)
    if found.state is LinkState.EXPIRED:
        return visit.page("return_expired", status=410)
    if found.is_expired:
        return link_pages.state_page(visit, found)  # settled, and no later debt was come for
    result = payment_updates.complete(
        found.link, is_done=is_done, confirmed=request.POST.get("card", ""), now=now
    )
    return result_pages.result_page(visit, found.link, result)


@require_GET
def come_back_from_checkout(request: HttpRequest) -> HttpResponse:
    """Back from Stripe's Checkout, where the customer paid or didn't."""
    if openings.is_ahead(request.headers):
        return link_pages.NotAhead()
    back = request.GET.get("r", "")
    found = links.find(back, now=clock.now(), purpose=Purpose.RETURN)
    visit = link_pages.visit(request, found, {"r": back}, path=links.CHECKOUT_RETURN_PATH)
    if found.state is LinkState.VALID and found.link is not None:
        return ways_to_stripe.checkout_page(
            visit, found.link, has_another_open=found.has_another_open
        )
    if found.state is LinkState.EXPIRED:
        return visit.page("checkout_expired", status=410)
    return link_pages.state_page(visit, found)
