"""A page as its reader gets it: words in one language, the merchant's looks, safe headers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers

from billing_portal import languages, logos, presentation
from billing_portal.languages import LANGUAGES
from billing_portal.page_words import PAGE_WORDS, PageWords
from recovery.models import Customer, Merchant

NEUTRAL = "#1f5eff"
EMAIL = "{email}"
NOWHERE = "#"  # where buttons and links of a preview lead
# When a page is dark; "" leaves it to the reader's own system, as for every customer.
DARK_WHEN: Mapping[str, str] = MappingProxyType(
    {"": "(prefers-color-scheme: dark)", "light": "not all", "dark": "all"}
)
# Of whatever is answered at a link's address.
FOR_ONE_READER: Mapping[str, str] = MappingProxyType(
    {
        "Cache-Control": "no-store",
        "X-Robots-Tag": "noindex, nofollow",
        "Referrer-Policy": "no-referrer",
    }
)
UNAVAILABLE = 503
RETRY_AFTER = "60"  # seconds


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a page, and in which of LANGUAGES; `chosen` is "" if it wasn't asked for by
    name."""

    language: str
    chosen: str = ""

    @property
    def words(self) -> PageWords:
        return PAGE_WORDS[self.language]

    @property
    def kept(self) -> dict[str, str]:
        """What carries the choice on to the next page."""
        return {"lang": self.chosen} if self.chosen else {}


def reader(request: HttpRequest, customer: Customer | None) -> Reader:
    """What is asked for by name, else Stripe's word of the customer, else the browser's."""
    asked = request.POST.get("lang") or request.GET.get("lang", "")
    return read_by(request, asked, known=customer.locale if customer else "")


def read_by(request: HttpRequest, asked: str, *, known: str = "") -> Reader:
    """As `reader`, of a request that may not be readable."""
    chosen = languages.choose(asked, "")
    accepted = languages.accepted(request.META.get("HTTP_ACCEPT_LANGUAGE", ""))
    return Reader(chosen or languages.choose(f"{known},{accepted}"), chosen)


class Page(HttpResponse):
    """A page for a customer, whatever its status."""


@dataclass(frozen=True, slots=True)
class Button:
    """It goes to `url`; with `fields` it posts them there."""

    url: str
    fields: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """A page of page_words.py by its name, and what fills it.

    `facts` go where its words have {…}; `buttons` are in the order of the words' labels. `debt`
    has labels and facts, `results` one mapping for each debt that was charged. `path` and `query`
    are the page's own address, or that of a page that can be fetched where it can't.
    """

    name: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str | int] = field(default_factory=dict)
    buttons: Sequence[Button] = ()
    quiet: str = ""
    debt: Sequence[tuple[str, str]] = ()
    results: Sequence[Mapping[str, str]] = ()


def respond(
    request: HttpRequest,
    content: Content,
    *,
    reader: Reader,
    merchant: Merchant | None,
    status: int = 200,
    preview: str | None = None,
) -> Page:
    """`merchant` is None where nobody can be named: the link isn't known. `preview` is a theme of
    DARK_WHEN for who only looks; for customers it is None."""
    context = {
        "page": content.name,
        **_look(merchant),
        "color_scheme": preview or "light dark",
        "dark_when": DARK_WHEN[preview or ""],
        "mailto": "mailto:" if preview is None else NOWHERE,
        **_said(content, reader, merchant),
        "language": reader.language,
        "direction": languages.direction(reader.language),
        "kept": reader.kept,
        "switch": _switch(content),
        "debt": content.debt,
        "results": content.results,
        "invoice_label": presentation.labels(reader.language)["invoice"],
    }
    page = render_to_string("billing_portal/page.html", context, request)
    response = Page(page, status=status)
    response["Content-Language"] = reader.language
    patch_vary_headers(response, ["Accept-Language"])
    for name, value in FOR_ONE_READER.items():
        response[name] = value
    if status == UNAVAILABLE:
        response["Retry-After"] = RETRY_AFTER
    return response


def _switch(content: Content) -> list[tuple[str, str, str]]:
    """The page in each language: its code, its name, its address."""
    address = f"{content.path}?{urlencode({**content.query, 'lang': ''})}"
    return [(code, name, f"{address}{code}") for code, name in LANGUAGES.items()]


def _look(merchant: Merchant | None) -> dict[str, Any]:
    accent, accent_text = presentation.accent(merchant.color if merchant else NEUTRAL)
    return {
        "product": merchant.product_name if merchant else "",
        "logo": logos.shown(merchant) if merchant else None,
        "support_email": merchant.support_email if merchant else "",
        "accent": accent,
        "accent_text": accent_text,
    }


def _said(content: Content, reader: Reader, merchant: Merchant | None) -> dict[str, Any]:
    """The page's words, filled in; what stands around the merchant's address, before and after."""
    words, phrases = reader.words.pages[content.name], reader.words.phrases
    facts = {"product": merchant.product_name if merchant else "", **content.facts}
    before, _email, after = phrases["questions"].partition(EMAIL)
    labels = [label.format(**facts) for label in words.buttons]
    return {
        "heading": words.heading,
        "paragraphs": [paragraph.format(**facts) for paragraph in words.paragraphs],
        "buttons": list(zip(labels, content.buttons, strict=False)),
        "quiet": (content.quiet or words.quiet).format(**facts),
        "before_email": before,
        "after_email": after,
        "questions_by_mail": phrases["questions_by_mail"].format(**facts),
        "languages": phrases["languages"],
        "confirm": phrases["confirm"],
    }
