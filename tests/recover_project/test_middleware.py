"""What holds for every request."""

import gzip
import io
import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from recover_project.logs import Json
from recover_project.middleware import NO_NUL
from recovery import credentials, log_context
from recovery.models import StripeEvent
from recovery.signatures import sign
from tests.builders import DASHBOARD, SECRET, WEBHOOK, make_merchant

PAGE = "/fourthngoal/recover/update"
UNSUBSCRIBE = "/fourthngoal/recover/unsubscribe"
ADDRESSES = [DASHBOARD, "/admin/login/", "/nowhere"]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("query", ["a=%00", "%00=a", "a=b%00c&d", "a=1&a=%25&b=%00"])
def test_a_nul_in_an_address_is_refused(address: str, query: str) -> None:
    answer = Client().get(f"{address}?{query}")

    assert answer.status_code == 400
    assert NO_NUL in answer.content.decode()


@pytest.mark.parametrize("address", [DASHBOARD, "/fourthngoal/recover/nowhere"])
def test_a_client_is_told_of_a_nul_in_the_shape_of_every_error(address: str) -> None:
    answer = Client().get(f"{address}?a=%00")

    assert answer.json() == {"error": {"code": "nul_character", "message": NO_NUL, "fields": {}}}


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["a=%2500", "a=00", "a=%0", "a=%E2%90%80", ""])
def test_what_only_looks_like_one_is_not(query: str) -> None:
    assert Client().get(f"{DASHBOARD}?{query}").status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_a_webhook_is_the_bytes_that_were_signed_whatever_they_are_called(
    content_type: str,
) -> None:
    make_merchant()
    body = b'{"id": "evt_1", "type": "invoice.paid", "note": "\\u0000%00"}'
    signature = sign(body=body, secret=SECRET, timestamp=int(time.time()))
    answer = Client().post(
        WEBHOOK, body, content_type=content_type, headers={"Stripe-Signature": signature}
    )

    assert answer.status_code == 200
    assert StripeEvent.objects.get().payload.encode() == body


# --- errors in one shape ----------------------------------------------------------------------


def error(answer: Any) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/json"
    content = answer.json()["error"]
    assert content["message"].endswith(".")
    assert content["fields"] == {}
    return answer.status_code, content["code"]


@pytest.fixture(params=[True, False], ids=["DEBUG", "production"])
def debug(request: pytest.FixtureRequest, settings: Settings) -> bool:
    settings.DEBUG = request.param
    return bool(request.param)


@pytest.mark.parametrize("path", ["", "nowhere", "events/../x", "dashboard/", "webhook/", "é"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_address_that_is_not_there(debug: bool, path: str, method: str) -> None:
    answer = Client().generic(method, f"/fourthngoal/recover/{path}")

    assert error(answer) == (404, "not_found")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "method", "allowed"),
    [
        (WEBHOOK, "GET", "POST"),
        (WEBHOOK, "PUT", "POST"),
        (DASHBOARD, "POST", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_method_that_is_not_there(debug: bool, address: str, method: str, allowed: str) -> None:
    key = credentials.new_internal_key(merchant=make_merchant(), now=timezone.now())
    answer = Client().generic(method, address, headers={"X-Internal-Key": key})

    assert error(answer) == (405, "method_not_allowed")
    assert answer["Allow"] == allowed


def test_what_nobody_foresaw_in_production(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEBUG = False
    monkeypatch.setattr("recovery.webhooks.take_in", lambda *_, **__: 1 / 0)
    answer = Client(raise_request_exception=False).post(
        WEBHOOK, b"{}", content_type="application/json"
    )

    assert error(answer) == (500, "internal_error")


def test_what_nobody_foresaw_in_debug_shows_where_it_happened(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEBUG = True
    monkeypatch.setattr("recovery.webhooks.take_in", lambda *_, **__: 1 / 0)
    answer = Client(raise_request_exception=False).post(
        WEBHOOK, b"{}", content_type="application/json"
    )

    assert answer.status_code == 500
    assert "ZeroDivisionError" in answer.content.decode()


def test_a_host_that_is_not_ours_is_told_so_too(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["recover.example"]

    assert error(Client().get("/fourthngoal/recover/dashboard")) == (400, "bad_request")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/nowhere", 404), ("GET", f"{PAGE}/nowhere", 404), ("PUT", PAGE, 405),
        ("GET", f"{PAGE}/replace", 405), ("GET", f"{PAGE}?token=x", 400),
        ("GET", f"{UNSUBSCRIBE}?token=x", 400), ("PUT", UNSUBSCRIBE, 405),
    ],
)  # fmt: skip
def test_a_browser_gets_no_json(debug: bool, method: str, address: str, status: int) -> None:
    answer = Client().generic(method, address)

    assert answer.status_code == status
    assert "json" not in answer["Content-Type"]


# --- what a request is called -----------------------------------------------------------------


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What a process of ours writes of requests, as JSON."""
    text, logger = io.StringIO(), logging.getLogger("django.request")
    handler = logging.StreamHandler(text)
    handler.setFormatter(Json())
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.WARNING)
    yield text
    logger.setLevel(level)
    logger.removeHandler(handler)


@pytest.mark.django_db
@pytest.mark.parametrize("address", [DASHBOARD, "/healthz", f"{PAGE}?token=x", "/admin/login/"])
def test_each_request_has_a_name_of_its_own(address: str) -> None:
    first, second = Client().get(address), Client().get(address)

    assert first["X-Request-Id"].startswith("req_")
    assert first["X-Request-Id"] != second["X-Request-Id"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "address", "status"),
    [("GET", "/nowhere", 404), ("GET", DASHBOARD, 401), ("POST", WEBHOOK, 500)],
)
def test_what_is_logged_of_a_request_is_found_by_its_name_and_said_once(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch, method: str, address: str, status: int
) -> None:
    monkeypatch.setattr("recovery.webhooks.take_in", lambda *_, **__: 1 / 0)

    answer = Client(raise_request_exception=False).generic(method, address)

    [line] = [json.loads(line) for line in written.getvalue().splitlines()]
    assert (answer.status_code, line["request"]) == (status, answer["X-Request-Id"])
    assert ("error" in line) == (status == 500)
    assert log_context.current() == {}


def test_whoever_names_another_host_is_one_line_without_a_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = Client(headers={"Host": "elsewhere.example"}).get("/nowhere")

    assert answer.status_code == 400
    assert [(told.name, told.exc_info) for told in caplog.records] == [
        ("django.security.DisallowedHost", None)
    ]


# --- what is kept -----------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("address", [DASHBOARD, "/fourthngoal/recover/nowhere", "/healthz"])
def test_no_cache_keeps_what_the_api_answers(address: str) -> None:
    assert "no-store" in Client().get(address)["Cache-Control"]


# --- compression ------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [f"{PAGE}?token=x", f"{PAGE}/nowhere"])
@pytest.mark.django_db
def test_a_page_is_compressed_for_whoever_can_read_that(address: str) -> None:
    plain = Client().get(address)
    small = Client().get(address, headers={"Accept-Encoding": "gzip"})

    assert small["Content-Encoding"] == "gzip"
    assert len(small.content) < len(plain.content) / 2
    assert b"<h1>" in gzip.decompress(small.content)
    assert "Content-Encoding" not in plain
    assert "Accept-Encoding" in plain["Vary"]


@pytest.mark.django_db
def test_what_is_no_page_of_a_customer_is_left_as_it_is() -> None:
    answer = Client().get(DASHBOARD, headers={"Accept-Encoding": "gzip"})

    assert "Content-Encoding" not in answer
