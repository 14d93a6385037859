"""Bodies of the JSON API: what they may be, and that nothing in them is a 500."""

import json

import pytest
from django.test import Client

from recovery.models import WebhookRegistration
from tests.builders import make_merchant
from tests.recovery.api.programs import BASE, Answer, Program

LARGEST = 1024 * 1024
pytestmark = pytest.mark.django_db


@pytest.fixture
def program() -> Program:
    return Program(make_merchant())


def post(program: Program, body: bytes, content_type: str = "application/json") -> Answer:
    response = Client(raise_request_exception=False).post(
        f"{BASE}webhooks", body, content_type=content_type,
        headers=program.headers | {"Idempotency-Key": "a"},
    )  # fmt: skip
    return Answer(response.status_code, response.json())


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"\xff", b"nul", b"NaN", b'{"a": 1e999}', b"[" * 100_000, b'{"a":' * 100_000,
        b"[" * 900 + b"]" * 900, b"1" * 10_000, b"\xef\xbb\xbf", b'"\\ud800"', b"[]", b"null",
        b'{"url": "\\u0000", "event_types": ["case.lost"]}',
        b'{"url": "\\ud800", "event_types": ["case.lost"]}',
        b'{"url": {}, "event_types": [{}, [], null]}',
    ],
)  # fmt: skip
def test_a_body_that_can_not_be_used_is_a_400(program: Program, body: bytes) -> None:
    answer = post(program, body)

    assert (answer.status, answer.error) in [(400, "parse_error"), (400, "invalid_request")]
    assert not WebhookRegistration.objects.exists()


def test_the_largest_body_is_read_and_a_larger_one_refused(program: Program) -> None:
    wanted = {"url": "https://hooks.example.com/", "event_types": ["case.lost"]}
    body = json.dumps(wanted).encode()

    larger = post(program, body + b" " * (LARGEST + 1 - len(body)))
    largest = post(program, body + b" " * (LARGEST - len(body)))

    assert (larger.status, larger.error) == (413, "too_large")
    assert largest.status == 201


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"],
)
def test_a_body_of_another_type_is_a_415(program: Program, content_type: str) -> None:
    answer = post(program, b"url=x", content_type)

    assert (answer.status, answer.error) == (415, "unsupported_media_type")
    assert answer.body["error"]["message"] == (
        "Send JSON, with the header Content-Type: application/json."
    )


@pytest.mark.parametrize("accept", ["text/html", "application/xml;q=0.1", "nonsense"])
def test_an_answer_is_json_whatever_is_asked_for(program: Program, accept: str) -> None:
    response = Client().get(
        f"{BASE}webhooks?limit=1", headers=program.headers | {"Accept": accept}
    )

    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
