"""The pages that a person sees: Stripe's for a customer, and the home page of this stand-in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.local_stripe.exchange import Reply, Request
from tests.local_stripe.forms import decode

from . import challenge, checkout, home, invoice, oauth, portal
from .layout import html, message_page
from .visit import Page, Visit

if TYPE_CHECKING:
    from tests.local_stripe.local import LocalStripe

_PAGES: dict[str, Page] = {
    r"/": home.show,
    r"/do/(?P<action>\w+)": home.do,
    r"/p/session/(?P<session>\w+)": portal.show,
    r"/i/(?P<account>\w+)/(?P<invoice>\w+)(?:/pdf)?": invoice.show,
    r"/3ds/(?P<intent>\w+)": challenge.show,
    r"/oauth/authorize": oauth.authorize,
    r"/oauth/token": oauth.token,
    r"/oauth/deauthorize": oauth.deauthorize,
    r"/c/pay/(?P<session>\w+)": checkout.show,
}
_OWN_HOSTS = ("127.0.0.1", "localhost")


class Pages:
    """Plain HTML and forms, without JavaScript."""

    def __init__(self, local_stripe: LocalStripe) -> None:
        self._local_stripe = local_stripe

    def answer(self, request: Request) -> Reply:
        if not _is_from_here(request):
            return html(message_page("This page only answers to this machine."), status=403)
        for pattern, page in _PAGES.items():
            found = re.fullmatch(pattern, request.path)
            if found is not None:
                form = {name: str(value) for name, value in decode(request.body).items()}
                visit = Visit(self._local_stripe, found.groupdict(), form, request)
                return page(visit)
        return html(message_page("There is no such page here."), status=404)


def _is_from_here(request: Request) -> bool:
    """A web page from elsewhere may not press these buttons through the visitor's browser."""
    host = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
    origin = request.headers.get("origin")
    is_own_form = origin is None or origin == f"http://{request.headers.get('host')}"
    return host in _OWN_HOSTS and (request.method == "GET" or is_own_form)
