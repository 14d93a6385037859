"""`/healthz`, `/readyz` and `/metrics`.

They are answered before anything else is asked: by whatever address a probe calls this process,
and whether or not sessions, limits or templates work.
"""

import hmac
import ipaddress
import logging
from collections.abc import Callable, Mapping
from functools import wraps
from http import HTTPStatus
from types import MappingProxyType

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from recover_project.probes import checks, exposition, gauges
from recover_project.probes.patience import statements_end_within
from recovery import clock
from recovery.errors import error_response

logger = logging.getLogger(__name__)

View = Callable[[HttpRequest], HttpResponseBase]
Probe = Callable[[HttpRequest], HttpResponse]
SAFE = ("GET", "HEAD")
RETRY_AFTER = 5  # seconds: as often as an orchestrator asks
STATEMENT_SECONDS = 2  # for each figure: Prometheus waits ten seconds for all of them
LOGGED = "_has_been_logged"  # Django's mark: what has it is told of in no second report
FORWARDED = {"HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST"}


def answer_probes(get_response: View) -> View:
    """Ahead of whatever reads the `Host`, a session or a limit."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        view = PROBES.get(request.path_info.removeprefix("/"))
        return view(request) if view else get_response(request)

    return answer


def _only_looks(view: Probe) -> Probe:
    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        if request.method not in SAFE:
            refused = error_response(
                HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", "Ask with GET or HEAD."
            )
            refused["Allow"] = ", ".join(SAFE)
            return refused
        response = view(request)
        response["Cache-Control"] = "no-store"
        if request.method == "HEAD":
            response.content = b""
        return response

    return answer


@_only_looks
def healthz(_request: HttpRequest) -> HttpResponse:
    """This process answers. Whether what it needs is there is another question."""
    return JsonResponse({"status": "ok"})


@_only_looks
def readyz(_request: HttpRequest) -> HttpResponse:
    verdicts = checks.run()
    is_ready = all(verdict.is_ok for verdict in verdicts.values())
    shown = {
        name: {"ok": verdict.is_ok, "took_ms": verdict.took_ms}
        for name, verdict in verdicts.items()
    }
    if is_ready:
        return JsonResponse({"status": "ready", "checks": shown})
    response = JsonResponse(
        {"status": "not ready", "checks": shown}, status=HTTPStatus.SERVICE_UNAVAILABLE
    )
    return _come_back(response)


@_only_looks
def prometheus(request: HttpRequest) -> HttpResponse:
    if not _may_read_metrics(request):
        refused = error_response(
            HTTPStatus.UNAUTHORIZED, "not_authenticated",
            "Send `Authorization: Bearer` with the METRICS_TOKEN that this installation has set.",
        )  # fmt: skip
        refused["WWW-Authenticate"] = "Bearer"
        return refused
    try:
        with statements_end_within(seconds=STATEMENT_SECONDS):
            text = exposition.text(gauges.read(now=clock.now()))
    except DatabaseError as error:
        logger.warning("The figures could not be read: %s: %s", type(error).__name__, error)
        unavailable = error_response(
            HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "The database can't be asked just now."
        )
        return _come_back(unavailable)
    return HttpResponse(text, content_type=exposition.CONTENT_TYPE)


def _come_back(response: HttpResponse) -> HttpResponse:
    """Why is in the log already; Django would add a line with every probe."""
    response["Retry-After"] = str(RETRY_AFTER)
    setattr(response, LOGGED, True)
    return response


def _may_read_metrics(request: HttpRequest) -> bool:
    """Whoever has the token; without one, this machine alone while Recover is tried out."""
    if not settings.METRICS_TOKEN:
        return bool(settings.DEBUG) and _is_from_this_machine(request)
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    is_right = hmac.compare_digest(given.strip().encode(), settings.METRICS_TOKEN.encode())
    return scheme.lower() == "bearer" and is_right


def _is_from_this_machine(request: HttpRequest) -> bool:
    """The peer alone doesn't tell: a proxy on this machine asks for others, and a page of
    anybody's whose name was made to lead here (DNS rebinding) asks from the browser on it."""
    if FORWARDED & set(request.META):
        return False
    try:
        request.get_host()
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except (DisallowedHost, ValueError):
        return False


PROBES: Mapping[str, Probe] = MappingProxyType(
    {"healthz": healthz, "readyz": readyz, "metrics": prometheus}
)
