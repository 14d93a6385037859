"""The limit of what anybody may ask for, and every limited answer's word of how much is left."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve

from billing_portal import error_pages
from recover_project.middleware import is_for_a_client
from recover_project.routes import BACK_OFFICE, is_public
from recovery.errors import too_many_response
from recovery.limits.counting import NOTED, count_address, noted
from recovery.limits.usage import PERIOD_SECONDS

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
        usage = count_address(request) if _is_public(request) else None
        if usage is not None and usage.is_exceeded:
            return _refused(request, usage.reset)
        return get_response(request)

    return answer


def tried_too_often(request: HttpRequest) -> HttpResponse:
    """Of what allauth counts by itself, by the minute: it doesn't say how much of one is left, and
    what is left of our own limit would say nothing of it."""
    request.META.pop(NOTED, None)
    return _refused(request, PERIOD_SECONDS)


def _is_public(request: HttpRequest) -> bool:
    try:
        return is_public(resolve(request.path_info).view_name)
    except Resolver404:
        return False  # there is nothing to ask for


def _refused(request: HttpRequest, retry_after: int) -> HttpResponse:
    """`retry_after` in seconds."""
    if is_for_a_client(request):
        return too_many_response(retry_after=retry_after)
    if not request.path.startswith(BACK_OFFICE):
        return error_pages.too_many(request, retry_after=retry_after)
    page = render_to_string("429.html", {"seconds": retry_after})
    headers = {"Retry-After": str(retry_after)}
    return HttpResponse(page, status=HTTPStatus.TOO_MANY_REQUESTS, headers=headers)
