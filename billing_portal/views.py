"""The page behind the link (the contract, section 5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from billing_portal import links, pages, payment_updates, presentation
from billing_portal.collection import Charge
from billing_portal.links import Found, LinkState
from billing_portal.models import PaymentUpdateLink
from billing_portal.pages import Button, Content, Reader
from billing_portal.payment_updates import NoPortalError, Overall, Result
from billing_portal.tokens import Purpose
from recovery.attempts import Outcome
from recovery.declines import AUTHENTICATION_CODES
from recovery.models import RecoveryCase
from recovery.state_machine import Status
from recovery.stripe_errors import StripeUnavailableError
from recovery.stripe_objects import PaymentMethod

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
CAN_TRY_AGAIN = {Overall.UNCHANGED, Overall.SAME_CARD, Overall.DECLINED, Overall.PARTLY}
CAN_REFRESH = {Overall.PENDING, Overall.UNAVAILABLE}


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
    visit = _visit(request, found, {"token": token})
    if found.state is LinkState.VALID and found.link is not None:
        if request.method == "POST":
            return _go_to_portal(visit, found.link)
        links.opened(found.link, now=now)
    return _state_page(visit, found)


@csrf_exempt
@require_POST
def replace(request: HttpRequest) -> HttpResponse:
    """An expired link's holder asks for a new one, which goes to the address on file: the page
    says the same whether there is one or not."""
    now = timezone.now()
    token = request.POST.get("token", "")
    found = links.find(token, now=now)
    visit = _visit(request, found, {"token": token})
    if found.link is None or found.state is not LinkState.EXPIRED:
        return _state_page(visit, found)
    links.request_replacement(found.link, now=now)
    return visit.page("replaced")


@csrf_exempt
@require_http_methods(["GET", "POST"])
def come_back(request: HttpRequest) -> HttpResponse:
    """Back from Stripe: what is open is charged to the new card, and told how that went. A card
    that was on file before is charged by a POST that names it."""
    now = timezone.now()
    told = request.POST if request.method == "POST" else request.GET
    back, is_done = told.get("r", ""), "done" in told
    found = links.find(back, now=now, purpose=Purpose.RETURN)
    query = {"r": back} | (links.DONE if is_done else {})
    visit = _visit(request, found, query, path=links.RETURN_PATH)
    if found.link is None or found.state is LinkState.REVOKED:
        return _state_page(visit, found)
    if found.state is LinkState.EXPIRED:
        return visit.page("return_expired", status=410)
    result = payment_updates.complete(
        found.link, is_done=is_done, confirmed=request.POST.get("card", ""), now=now
    )
    return _result_page(visit, found.link, result)


# --- the pages of a link ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Visit:
    """A request, who reads its answer, and the address where that page can be fetched."""

    request: HttpRequest
    link: PaymentUpdateLink | None
    reader: Reader
    path: str
    query: Mapping[str, str]

    def page(self, name: str, *, status: int = 200, **content: Any) -> HttpResponse:
        """`content` is a Content's."""
        return pages.respond(
            self.request, Content(name, self.path, self.query, **content), status=status,
            reader=self.reader, merchant=self.link.case.merchant if self.link else None,
        )  # fmt: skip


def _visit(
    request: HttpRequest, found: Found, query: Mapping[str, str], path: str = links.UPDATE_PATH
) -> _Visit:
    """The page of a forged token repeats nothing of it."""
    link = found.link
    reader = pages.reader(request, link.case.customer if link else None)
    return _Visit(request, link, reader, path, query if link else {})


def _state_page(visit: _Visit, found: Found) -> HttpResponse:
    """What a link's holder can do about it."""
    if found.state is LinkState.VALID and found.link is not None:
        return _valid_page(visit, found.link.case)
    is_expired = found.state is LinkState.EXPIRED
    return visit.page(
        found.state, status=STATUS_CODES[found.state], facts={"days": links.LIFETIME.days},
        buttons=[Button(links.REPLACE_PATH, visit.query)] if is_expired else [],
    )  # fmt: skip


def _valid_page(visit: _Visit, case: RecoveryCase) -> HttpResponse:
    new_card, phrases = Button(links.UPDATE_PATH, visit.query), visit.reader.words.phrases
    debt = _debt(visit.reader, case)
    # A new card would be asked for the same confirmation: the bank's question comes first.
    if case.decline_code in AUTHENTICATION_CODES and case.hosted_invoice_url:
        buttons = [Button(case.hosted_invoice_url), new_card]
        leaving = phrases["leaving_to_confirm"]
        return visit.page("to_confirm", buttons=buttons, quiet=leaving, **debt)
    owes_more = links.owed(case).exclude(pk=case.pk).exists()
    leaving = phrases["leaving_with_more" if owes_more else "leaving"]
    name = "given_up" if case.status == Status.LOST else "failed"
    return visit.page(name, buttons=[new_card], quiet=leaving, **debt)


def _go_to_portal(visit: _Visit, link: PaymentUpdateLink) -> HttpResponse:
    case, chosen = link.case, visit.reader.chosen
    at_stripe = [Button(url) for url in [case.hosted_invoice_url] if url]
    try:
        return SeeOther(payment_updates.begin(link, now=timezone.now(), language=chosen))
    except NoPortalError:
        name = "pay_at_stripe" if at_stripe else "no_portal"
        return visit.page(name, buttons=at_stripe, **_debt(visit.reader, case))
    except StripeUnavailableError:
        again = Button(links.UPDATE_PATH, visit.query)
        return visit.page("unavailable", status=503, buttons=[again, *at_stripe])


def _debt(reader: Reader, case: RecoveryCase) -> dict[str, Any]:
    return {
        "debt": presentation.facts(case, reader.language),
        "facts": {
            "amount": presentation.amount(case, reader.language),
            "reason": presentation.reason(case, reader.language),
        },
    }


# --- back from Stripe -------------------------------------------------------------------------


def _result_page(visit: _Visit, link: PaymentUpdateLink, result: Result) -> HttpResponse:
    to_confirm = [charge.case for charge in result.charges if _is_to_confirm(charge)]
    has_links = len(to_confirm) > 1
    return visit.page(
        _name(result, to_confirm), buttons=_next(visit, link, result, to_confirm),
        facts=_saved(visit.reader, result.saved),
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
    visit: _Visit, link: PaymentUpdateLink, result: Result, to_confirm: list[RecoveryCase]
) -> list[Button]:
    if result.saved:
        return [Button(links.RETURN_PATH, {**visit.query, "card": result.saved.id})]
    if result.overall in CAN_REFRESH:
        posted = {**visit.query, "card": visit.request.POST.get("card", "")}
        is_posted = visit.request.method == "POST"
        return [Button(visit.request.get_full_path(), posted if is_posted else None)]
    if result.overall in CAN_TRY_AGAIN:
        return [Button(links.UPDATE_PATH, {"token": links.reissue(link, now=timezone.now())})]
    is_one = result.overall is Overall.NEEDS_AUTHENTICATION and len(to_confirm) == 1
    return [Button(to_confirm[0].hosted_invoice_url)] if is_one else []


def _saved(reader: Reader, method: PaymentMethod | None) -> dict[str, str]:
    """What is said of the payment method on file, which may have neither brand nor number."""
    if method is None:
        return {}
    card = presentation.named_card(method.brand, method.last4, reader.language)
    phrase = reader.words.phrases["saved_card" if card else "saved_method"]
    return {"saved": phrase.format(card=card)}


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
