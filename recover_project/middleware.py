"""What holds for every request, whichever page or endpoint it is for."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from types import MappingProxyType
from urllib.parse import unquote_to_bytes

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.template.loader import render_to_string
from django.utils.log import log_response

from billing_portal import error_pages
from billing_portal.links import UPDATE_PATH
from billing_portal.pages import Page
from dunning.mail.unsubscribing import PATH as UNSUBSCRIBE_PATH
from recover_project.probes.views import LOGGED, PROBES
from recover_project.routes import BACK_OFFICE
from recovery import log_context
from recovery.errors import error_response, too_many_response
from recovery.limits.counting import count_address, noted
from recovery.merchants import WEBHOOK_PATH
from recovery.models.base import new_public_id

View = Callable[[HttpRequest], HttpResponseBase]
REQUEST_ID = "X-Request-Id"
FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
NO_NUL = "A parameter or field contains a NUL character, which nothing here can."
API = "/fourthngoal/recover/"
MAIL_PROVIDERS = f"{API}mail/"  # theirs, who tell of bounces by forms
PAGES = (UPDATE_PATH, UNSUBSCRIBE_PATH)  # and what is below them: a person reads those
ERRORS: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        HTTPStatus.BAD_REQUEST: ("bad_request", "The request can't be understood."),
        HTTPStatus.FORBIDDEN: ("permission_denied", "This is not allowed."),
        HTTPStatus.NOT_FOUND: ("not_found", "There is nothing at this address."),
        HTTPStatus.METHOD_NOT_ALLOWED: ("method_not_allowed", "This method is not allowed here."),
        HTTPStatus.INTERNAL_SERVER_ERROR: ("internal_error", "Something went wrong here."),
    }
)


def name_requests(get_response: View) -> View:
    """Each request has an id: what is logged meanwhile says so, and who asked can tell us."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        name = new_public_id("req", length=12)
        with log_context.about(request=name):
            response = get_response(request)
            if response.status_code >= HTTPStatus.BAD_REQUEST:
                # Django would say the same a moment later, when nobody knows of which request.
                log_response(
                    "%s: %s", response.reason_phrase, request.path, request=request,
                    response=response,  # type: ignore[arg-type] # of any kind, as Django does
                )  # fmt: skip
        response[REQUEST_ID] = name
        return response

    return answer


def errors_in_one_shape(get_response: View) -> View:
    """Clients of the API read JSON and customers a page of ours, also where Django answers for
    it: no such path, no such method. DEBUG keeps its own page for what went wrong."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if response.status_code not in ERRORS or _is_in_shape(response):
            return response
        if response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR and settings.DEBUG:
            return response
        shaped = _shaped(request, response.status_code)
        if shaped is None:
            return response
        if allowed := response.get("Allow"):
            shaped["Allow"] = allowed
        if getattr(response, LOGGED, False):
            setattr(shaped, LOGGED, True)
        return shaped

    return answer


def _is_in_shape(response: HttpResponseBase) -> bool:
    is_json = response.get("Content-Type", "").startswith("application/json")
    return is_json or isinstance(response, Page)


def _shaped(request: HttpRequest, status: int) -> HttpResponse | None:
    """None for what has no shape of ours: the back office's pages."""
    if request.path.startswith(PAGES):
        return error_pages.for_status(request, status)
    return error_response(status, *ERRORS[status]) if is_for_a_client(request) else None


def nothing_is_kept(get_response: View) -> View:
    """What clients of the API are told is of a merchant and of this moment: no cache keeps it."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if is_for_a_client(request):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return answer


def compress_pages(get_response: View) -> View:
    """A customer's page in a third of its bytes, for a twentieth of a millisecond.

    Compression can give a secret away beside what an attacker may put into the same page (BREACH).
    Into a page that holds a token nobody puts anything but that token; and Django's middleware
    hides the length."""
    compressing = GZipMiddleware(get_response)

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        is_page = isinstance(response, Page)
        return compressing.process_response(request, response) if is_page else response

    return answer


class ContentSecurityPolicy(CSPMiddleware):
    """The strict policy everywhere, and in the back office as little less as its theme needs."""

    def get_policy_parts(
        self,
        request: HttpRequest,
        response: HttpResponseBase,
        report_only: bool = False,  # noqa: FBT001, FBT002 # as its caller has it
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if not request.path.startswith(BACK_OFFICE):
            return parts
        return replace(parts, replace={**settings.BACK_OFFICE_POLICY, **(parts.replace or {})})


def is_for_a_client(request: HttpRequest) -> bool:
    is_probe = request.path.removeprefix("/") in PROBES
    return is_probe or (request.path.startswith(API) and not request.path.startswith(PAGES))


def refuse_nul(get_response: View) -> View:
    """PostgreSQL takes no NUL in text, so one in a filter or form field would end in a 500."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if _has_nul(request):
            if is_for_a_client(request):
                return _nul_of_a_client(request)
            if page := _shaped(request, 400):
                return page
            return HttpResponseBadRequest(render_to_string("400.html", {"why": NO_NUL}))
        return get_response(request)

    return answer


def _nul_of_a_client(request: HttpRequest) -> HttpResponse:
    """It counts for the address, as whatever is refused before a key is looked at."""
    usage = noted(request) or count_address(request)
    if usage is not None and usage.is_exceeded:
        return too_many_response(retry_after=usage.reset)
    return error_response(HTTPStatus.BAD_REQUEST, "nul_character", NO_NUL)


def _has_nul(request: HttpRequest) -> bool:
    if request.path == WEBHOOK_PATH:
        return False  # it is counted for nobody, and asks the database for no text that isn't ours
    if b"\x00" in unquote_to_bytes(request.META.get("QUERY_STRING", "")):
        return True
    if request.content_type not in FORMS or _is_for_json(request):
        return False
    return any("\x00" in name + value for name, value in _fields(request))


def _is_for_json(request: HttpRequest) -> bool:
    """A form is nothing that such an endpoint reads: it says so itself, unless the form has been
    read before, when there seems to have been no body at all."""
    return is_for_a_client(request) and not request.path.startswith(MAIL_PROVIDERS)


def _fields(request: HttpRequest) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, values in request.POST.lists() for value in values]
