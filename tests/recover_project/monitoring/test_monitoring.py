"""Who runs Recover may have its errors and traces told to somebody: not of whom they are."""

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pytest_django import Settings as SettingsWrapper

from recover_project import monitoring
from recover_project.monitoring.errors import _cleaned
from recovery.log_context import about
from tests.programs import BEGUN, printed


class Told:
    """A server on this machine that is told errors or traces: path and body of each request."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bytes]] = []
        told = self.told

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                told.append((self.path, body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"


@pytest.fixture
def server() -> Iterator[Told]:
    made = Told()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()


FAIL = """
import sys
from recovery.batches import apart
from recover_project import monitoring
with apart("Row 1", debt="in_1"):
    hidden = "sk_live_canary"
    raise ValueError("for zanzibar@canary.example")
monitoring.end()
print(sorted({f"recover_project.monitoring.{name}" for name in ("errors", "traces")}
             & set(sys.modules)))
"""
FORK = """
import logging, os
from celery import signals
from recovery.batches import apart
from recover_project import monitoring
if not (child := os.fork()):
    signals.worker_process_init.send(sender=None)
    with apart("Row 2", debt="in_2"):
        raise ValueError
    monitoring.end()
    os._exit(0)
os.waitpid(child, 0)
logging.getLogger("celery.worker").error("Process 'p' pid:1 exited with 'signal 9 (SIGKILL)'")
monitoring.end()
"""
SERVE = """
import io, logging
from opentelemetry import trace
from recovery.log_context import about
from recover_project import monitoring
from recover_project.wsgi import application
environ = {
    "REQUEST_METHOD": "GET", "PATH_INFO": "/healthz", "QUERY_STRING": "token=canary",
    "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "HTTP_HOST": "127.0.0.1",
    "REMOTE_ADDR": "203.0.113.7", "HTTP_USER_AGENT": "canary", "wsgi.url_scheme": "http",
    "wsgi.input": io.BytesIO(), "SERVER_PROTOCOL": "HTTP/1.1",
}
answer = application(environ, lambda status, headers, *_: None)
b"".join(answer); getattr(answer, "close", lambda: None)()
with trace.get_tracer("test").start_as_current_span("work"), about(debt="in_1"):
    logging.getLogger("recovery").info("for zanzibar@canary.example")
monitoring.end()
"""


@pytest.mark.parametrize("service", BEGUN)
def test_an_error_is_told_with_its_debt_and_without_whom_it_is_about(
    tmp_path: Path, server: Told, service: str
) -> None:
    printed(service, FAIL, run_dir=tmp_path, SENTRY_DSN=f"http://key@{server.address}/1")

    [(path, body)] = server.told
    assert path == "/api/1/envelope/"
    for said in (b"ValueError", b'"debt":"in_1"', f'"service":"recover-{service}"'.encode()):
        assert said in body
    for hidden in (b"zanzibar", b"sk_live_canary"):
        assert hidden not in body


def test_the_process_that_starts_workers_tells_of_those_that_died_and_each_of_them_of_its_own(
    tmp_path: Path, server: Told
) -> None:
    told_to = f"http://key@{server.address}/1"
    printed(
        "worker", FORK, run_dir=tmp_path, SENTRY_DSN=told_to, REDIS_URL="redis://127.0.0.1:1/0"
    )

    ours, theirs = sorted((body for _path, body in server.told), key=lambda body: b"Row 2" in body)
    assert b"exited with 'signal 9 (SIGKILL)'" in ours
    assert b"in_2" in theirs
    for told in (ours, theirs):
        assert b'"service":"recover-worker"' in told


def test_nothing_of_a_request_is_told_but_how_and_where() -> None:
    event: Any = {
        "request": {
            "method": "GET", "url": "https://pay.example/update?token=canary",
            "query_string": "token=canary", "headers": {"Cookie": "canary"},
            "cookies": {"sessionid": "canary"}, "data": {"password": "canary"},
        },
        "user": {"email": "canary@example.com"},
        "breadcrumbs": {"values": [{"message": "to canary@example.com"}]},
        "tags": {"service": "recover-web"},
    }  # fmt: skip

    with about(debt="in_1"):
        told = _cleaned(event, {})

    assert told["request"] == {"method": "GET", "url": "https://pay.example/update"}
    assert told["tags"] == {"service": "recover-web", "debt": "in_1"}
    assert "canary" not in str(told)


def test_a_request_and_what_was_logged_are_traced_without_whom_they_are_about(
    tmp_path: Path, server: Told
) -> None:
    told_to = f"http://{server.address}"
    printed("web", SERVE, run_dir=tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=told_to)

    assert {path for path, _body in server.told} == {"/v1/traces"}
    requests = [ExportTraceServiceRequest.FromString(body) for _path, body in server.told]
    resources = [each for request in requests for each in request.resource_spans]
    spans = {
        span.name: span
        for resource in resources for scope in resource.scope_spans for span in scope.spans
    }  # fmt: skip
    assert "recover-web" in str(resources[0].resource)
    assert {one.key for one in spans["GET /healthz"].attributes} == {
        "http.method", "http.status_code"
    }  # fmt: skip
    [said] = spans["work"].events
    assert said.name == "for za***@canary.example"
    assert {one.key: one.value.string_value for one in said.attributes}["debt"] == "in_1"
    for hidden in ("token", "zanzibar", "203.0.113.7"):
        assert hidden not in str(requests)


@pytest.mark.parametrize("service", ["web", "worker"])
def test_who_names_nobody_tells_nobody_and_needs_nothing_installed(
    tmp_path: Path, service: str
) -> None:
    assert printed(service, FAIL, run_dir=tmp_path) == "[]\n"


@pytest.mark.parametrize("variable", ["SENTRY_DSN", "OTEL_EXPORTER_OTLP_ENDPOINT"])
def test_what_is_not_installed_stops_the_start(
    settings: SettingsWrapper, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    setattr(settings, variable, "http://key@127.0.0.1:1/1")

    def missing(_name: str) -> None:
        raise ModuleNotFoundError(name="the_package")

    monkeypatch.setattr(monitoring, "import_module", missing)

    with pytest.raises(ImproperlyConfigured, match=f"{variable} is set, but the_package is not"):
        monitoring.begin("web")
