"""The limit of what anybody may ask for, and every limited answer's word of how much is left."""

import re
from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve

from billing_portal import error_pages
from dunning.mail import unsubscribing
from recover_project.middleware import is_for_a_client
from recover_project.routes import BACK_OFFICE, is_public
from recovery import clock
from recovery.errors import too_many_response
from recovery.limits.counting import NOTED, count, count_address, noted
from recovery.limits.usage import PERIOD_SECONDS, Limit, Usage

UNSUBSCRIBE = "unsubscribe"
# As a form in either encoding.
ONE_CLICK = (b"List-Unsubscribe", b"One-Click")
LONGEST_ONE_CLICK = 1024  # bytes

View = Callable[[HttpRequest], HttpResponseBase]


def say_usage(get_response: View) -> View:
    """Also on errors, which say as well how often may be asked."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if usage := noted(request):
            for name, value in usage.headers.items():
                response[name] = value
        return response

    return answer


def limit_public_routes(get_response: View) -> View:
    def answer(request: HttpRequest) -> HttpResponseBase:
        usage = _counted(request)
        if usage is not None and usage.is_exceeded:
            return _refused(request, usage.reset)
        return get_response(request)

    return answer


def tried_too_often(request: HttpRequest) -> HttpResponse:
    """Of what allauth counts by itself, by the minute: it doesn't say how much of one is left, and
    what is left of our own limit would say nothing of it."""
    request.META.pop(NOTED, None)
    return _refused(request, PERIOD_SECONDS)


def _counted(request: HttpRequest) -> Usage | None:
    """None where nothing is to be counted, or nobody counts."""
    try:
        name = resolve(request.path_info).view_name
    except Resolver404:
        return None  # there is nothing to ask for
    if name == UNSUBSCRIBE and (message_id := _one_click(request)):
        return count(request, limit=Limit.ONE_CLICK, identity=message_id)
    return count_address(request) if is_public(name) else None


def _one_click(request: HttpRequest) -> str:
    """The message whose mail a mailbox provider asks to stop, "" for any other request: they post
    for all their people from a few addresses (https://datatracker.ietf.org/doc/html/rfc8058#section-3.1).
    Little of a body is read, and that for a token of ours alone."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if request.method != "POST" or not re.fullmatch(r"[0-9]{1,4}", length):
        return ""
    message_id = unsubscribing.message_id(request.GET.get("token", ""), now=clock.now())
    if not message_id or int(length) > LONGEST_ONE_CLICK:
        return ""
    return message_id if all(word in request.body for word in ONE_CLICK) else ""


def _refused(request: HttpRequest, retry_after: int) -> HttpResponse:
    """`retry_after` in seconds."""
    if is_for_a_client(request):
        return too_many_response(retry_after=retry_after)
    if not request.path.startswith(BACK_OFFICE):
        return error_pages.too_many(request, retry_after=retry_after)
    page = render_to_string("429.html", {"seconds": retry_after})
    headers = {"Retry-After": str(retry_after)}
    return HttpResponse(page, status=HTTPStatus.TOO_MANY_REQUESTS, headers=headers)
