"""The pages of a link, in each of its states (the contract, section 5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from billing_portal import debts, links, pages
from billing_portal.links import Found, LinkState
from billing_portal.models import PaymentUpdateLink
from billing_portal.pages import Button, Content, Reader
from recovery import cases, clock
from recovery.declines import AUTHENTICATION_CODES
from recovery.models import RecoveryCase
from recovery.state_machine import Status

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
SETTLED = {LinkState.PAID, LinkState.VOIDED}
UNDER_WAY = "checkout_pending"  # also where the debt is an invoice


class SeeOther(HttpResponseRedirect):
    """After a POST, go there with a GET."""

    status_code = 303
    allowed_schemes = ["http", "https"]


class NotAhead(HttpResponse):
    """To a browser that fetches ahead what must only be done for who opens it. It keeps no answer
    but a success, so it asks again when that happens:
    https://wicg.github.io/nav-speculation/prefetch.html
    """

    status_code = pages.UNAVAILABLE

    def __init__(self) -> None:
        super().__init__(
            "Please open this page to go on.\n", content_type="text/plain",
            headers=dict(pages.FOR_ONE_READER),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Visit:
    """A request, who reads its answer, and the address where that page can be fetched."""

    request: HttpRequest
    link: PaymentUpdateLink | None
    reader: Reader
    path: str
    query: Mapping[str, str]

    @property
    def address(self) -> str:
        return f"{self.path}?{urlencode({**self.query, **self.reader.kept})}"

    def page(self, name: str, *, status: int = 200, **content: Any) -> HttpResponse:
        """`content` is a Content's."""
        return pages.respond(
            self.request, Content(name, self.path, self.query, **content), status=status,
            reader=self.reader, merchant=self.link.case.merchant if self.link else None,
        )  # fmt: skip


def visit(
    request: HttpRequest, found: Found, query: Mapping[str, str], path: str = links.UPDATE_PATH
) -> Visit:
    """The page of a forged token repeats nothing of it."""
    link = found.link
    reader = pages.reader(request, link.case.customer if link else None)
    return Visit(request, link, reader, path, query if link else {})


def state_page(visit: Visit, found: Found) -> HttpResponse:
    """What a link's holder can do about it."""
    if found.state is LinkState.VALID and found.link is not None:
        return _valid_page(visit, found.link.case, found)
    if found.state in SETTLED and found.has_another_open:
        return more_page(visit, found.state, [] if found.is_expired else [_way_on(visit, found)])
    is_expired = found.state is LinkState.EXPIRED
    return visit.page(
        found.state, status=STATUS_CODES[found.state], facts={"days": links.LIFETIME.days},
        buttons=[Button(links.REPLACE_PATH, visit.query)] if is_expired else [],
    )  # fmt: skip


def leads_on(found: Found) -> bool:
    """The link's own debt is done with, and another one of its customer's is open."""
    if found.link is None or found.is_expired or not found.has_another_open:
        return False
    return found.state in SETTLED or cases.is_written_off(found.link.case)


def more_page(visit: Visit, name: str, buttons: Sequence[Button]) -> HttpResponse:
    """The debt is settled, and another one isn't; without a button to it there is the mail."""
    by_mail = visit.reader.words.phrases["newest_mail"]
    return visit.page(f"{name}_with_more", buttons=buttons, quiet="" if buttons else by_mail)


def _way_on(visit: Visit, found: Found) -> Button:
    """To the page of the other debt; only a customer makes its link, and no scanner."""
    if visit.path == links.UPDATE_PATH or found.link is None:
        return Button(links.UPDATE_PATH, visit.query)
    return onward(visit, found.link)


def onward(visit: Visit, link: PaymentUpdateLink) -> Button:
    """For who is back from Stripe."""
    token = links.lead_on(link, now=clock.now())
    if not token:
        return Button(visit.address)  # it was settled meanwhile
    return Button(replace(visit, path=links.UPDATE_PATH, query={"token": token}).address)


def _valid_page(visit: Visit, case: RecoveryCase, found: Found) -> HttpResponse:
    """No word with Stripe: mail scanners fetch this page too, and customers don't wait for it."""
    phrases = visit.reader.words.phrases
    if case.is_payment_under_way:  # as the row says that the page is made from
        return visit.page(UNDER_WAY, buttons=[Button(visit.address)])
    if case.is_one_time:
        return _one_time_page(visit, case)
    if cases.is_written_off(case):
        return _written_off_page(visit, case, has_another_open=found.has_another_open)
    new_card = Button(links.UPDATE_PATH, visit.query)
    # A new card would be asked for the same confirmation: the bank's question comes first.
    if case.decline_code in AUTHENTICATION_CODES and case.hosted_invoice_url:
        buttons = [Button(links.INVOICE_PATH, visit.query), new_card]
        leaving = phrases["leaving_to_confirm"]
        return visit.page(
            "to_confirm", buttons=buttons, quiet=leaving, **debts.told(visit.reader, case)
        )
    leaving = phrases["leaving_with_more" if found.owes_more else "leaving"]
    name = "given_up" if case.status == Status.LOST else "failed"
    return visit.page(name, buttons=[new_card], quiet=leaving, **debts.told(visit.reader, case))


def _written_off_page(visit: Visit, case: RecoveryCase, *, has_another_open: bool) -> HttpResponse:
    told = debts.told(visit.reader, case)
    if has_another_open:
        on = Button(links.UPDATE_PATH, visit.query)
        return visit.page("written_off_with_more", buttons=[on], **told)
    to_stripe = [Button(links.INVOICE_PATH, visit.query)] if case.hosted_invoice_url else []
    return visit.page("written_off", buttons=to_stripe, **told)


def _one_time_page(visit: Visit, case: RecoveryCase) -> HttpResponse:
    return visit.page(
        "to_pay", buttons=[Button(links.UPDATE_PATH, visit.query)],
        quiet=visit.reader.words.phrases["leaving_to_pay"], **debts.told(visit.reader, case),
    )  # fmt: skip
