"""What customers read where no page can be shown: in their language, with a way on. None of it
needs the database, which may be what is missing."""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlencode

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.utils.encoding import escape_uri_path

from billing_portal import pages, presentation
from billing_portal.links import REPLACE_PATH, UPDATE_PATH
from billing_portal.pages import Button, Content

NAMES: Mapping[int, str] = MappingProxyType(
    {400: "forged", 404: "not_found", 405: "not_this_way", 500: "broken"}
)
# Where the same address may soon answer, these go along: they are what it was opened with.
KEPT = ("token", "r")
TOO_MANY = 429
BROKEN = 500


def for_status(request: HttpRequest, status: int) -> HttpResponse | None:
    """None where customers have no page for that status."""
    if status not in NAMES:
        return None
    return _page(request, NAMES[status], status=status, is_passing=status >= BROKEN)


def too_many(request: HttpRequest, *, retry_after: int) -> HttpResponse:
    """`retry_after` in seconds."""
    response = _page(
        request, "too_many", status=TOO_MANY, is_passing=True, retry_after=retry_after
    )
    response["Retry-After"] = str(retry_after)
    return response


def _page(
    request: HttpRequest, name: str, *, status: int, is_passing: bool, retry_after: int = 0
) -> HttpResponse:
    """What is passing is worth another try, and has a button for it."""
    given = _given(request)
    reader = pages.read_by(request, given.get("lang", ""))
    # The one address that can't be fetched is a step on from one that can.
    path = UPDATE_PATH if request.path == REPLACE_PATH and is_passing else request.path
    path = escape_uri_path(path)
    query = {key: given[key] for key in KEPT if key in given} if is_passing else {}
    again = f"{path}?{urlencode({**query, **reader.kept})}"
    wait = presentation.wait(retry_after, reader.language)
    content = Content(
        name, path, query, facts={"wait": wait}, buttons=[Button(again)] if is_passing else []
    )
    return pages.respond(request, content, reader=reader, merchant=None, status=status)


def _given(request: HttpRequest) -> Mapping[str, str]:
    """What the request says, if it can be read: that it can't may be what is wrong."""
    try:
        return {**request.GET.dict(), **request.POST.dict()}
    except (SuspiciousOperation, MultiPartParserError, OSError):
        return {}
