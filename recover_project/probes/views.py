"""`/healthz`, `/readyz` and `/metrics`.

They are answered before anything else is asked: by whatever address a probe calls this process,
and whether or not sessions, limits or templates work.
"""

import hmac
import ipaddress
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from recover_project.probes import checks, exposition, gauges
from recovery.errors import error_response

View = Callable[[HttpRequest], HttpResponseBase]
SAFE = ("GET", "HEAD")
RETRY_AFTER = 5  # seconds: as often as an orchestrator asks


def answer_probes(get_response: View) -> View:
    def answer(request: HttpRequest) -> HttpResponseBase:
        view = PROBES.get(request.path_info)
        if view is None:
            return get_response(request)
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


def healthz(_request: HttpRequest) -> HttpResponse:
    """This process answers. Whether what it needs is there is another question."""
    return JsonResponse({"status": "ok"})


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
    response["Retry-After"] = str(RETRY_AFTER)
    return response


def metrics(request: HttpRequest) -> HttpResponse:
    if not _may_read_metrics(request):
        refused = error_response(
            HTTPStatus.UNAUTHORIZED, "not_authenticated",
            "Send `Authorization: Bearer` with the METRICS_TOKEN of this installation.",
        )  # fmt: skip
        refused["WWW-Authenticate"] = "Bearer"
        return refused
    try:
        text = exposition.text(gauges.read(now=timezone.now()))
    except DatabaseError:
        unavailable = error_response(
            HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "The database can't be asked just now."
        )
        unavailable["Retry-After"] = str(RETRY_AFTER)
        return unavailable
    return HttpResponse(text, content_type=exposition.CONTENT_TYPE)


def _may_read_metrics(request: HttpRequest) -> bool:
    """Whoever has the token; without one, this machine alone while Recover is tried out."""
    if not settings.METRICS_TOKEN:
        return bool(settings.DEBUG) and _is_this_machine(request.META.get("REMOTE_ADDR", ""))
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    return hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())


def _is_this_machine(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


PROBES: Mapping[str, Callable[[HttpRequest], HttpResponse]] = MappingProxyType(
    {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}
)
