"""The pages of a link, in each of its states (the contract, section 5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from billing_portal import debts, links, pages
from billing_portal.links import Found, LinkState
from billing_portal.models import PaymentUpdateLink
from billing_portal.pages import Button, Content, Reader
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
        return _valid_page(visit, found.link.case, owes_more=found.owes_more)
    is_expired = found.state is LinkState.EXPIRED
    return visit.page(
        found.state, status=STATUS_CODES[found.state], facts={"days": links.LIFETIME.days},
        buttons=[Button(links.REPLACE_PATH, visit.query)] if is_expired else [],
    )  # fmt: skip


def _valid_page(visit: Visit, case: RecoveryCase, *, owes_more: bool) -> HttpResponse:
    """No word with Stripe: mail scanners fetch this page too, and customers don't wait for it."""
    phrases = visit.reader.words.phrases
    if case.is_payment_under_way:  # as the row says that the page is made from
        return visit.page(UNDER_WAY, buttons=[Button(visit.address)])
    if case.is_one_time:
        return _one_time_page(visit, case)
    new_card = Button(links.UPDATE_PATH, visit.query)
    # A new card would be asked for the same confirmation: the bank's question comes first.
    if case.decline_code in AUTHENTICATION_CODES and case.hosted_invoice_url:
        buttons = [Button(links.INVOICE_PATH, visit.query), new_card]
        leaving = phrases["leaving_to_confirm"]
        return visit.page(
            "to_confirm", buttons=buttons, quiet=leaving, **debts.told(visit.reader, case)
        )
    leaving = phrases["leaving_with_more" if owes_more else "leaving"]
    name = "given_up" if case.status == Status.LOST else "failed"
    return visit.page(name, buttons=[new_card], quiet=leaving, **debts.told(visit.reader, case))


def _one_time_page(visit: Visit, case: RecoveryCase) -> HttpResponse:
    return visit.page(
        "to_pay", buttons=[Button(links.UPDATE_PATH, visit.query)],
        quiet=visit.reader.words.phrases["leaving_to_pay"], **debts.told(visit.reader, case),
    )  # fmt: skip
