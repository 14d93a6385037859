"""Who may ask a process how it is, by which address, and what they are answered."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from django.test import Client
from django.urls import resolve
from pytest_django import Settings as SettingsWrapper

from recover_project.environment import LOOPBACK_HOSTS, Environment
from recover_project.probes import gauges
from recover_project.probes.views import PROBES
from recover_project.routes import is_public

pytestmark = pytest.mark.django_db
TOKEN = "Zk3vX9qL7mN2pR5tY8wB1cD4fG6hJ0sA"
PATHS = ["/healthz", "/readyz", "/metrics"]


# --- alive ------------------------------------------------------------------------------------


def test_a_process_that_answers_is_alive_and_asks_nobody(
    django_assert_num_queries: Any, settings: SettingsWrapper
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    with django_assert_num_queries(0):
        answer = Client().get("/healthz")

    assert (answer.status_code, json.loads(answer.content)) == (200, {"status": "ok"})
    assert answer["Cache-Control"] == "no-store"


def test_a_probe_may_call_a_process_by_any_address(settings: SettingsWrapper) -> None:
    settings.METRICS_TOKEN = TOKEN
    for host in ("10.1.2.3:8000", "[fd00::1]:8000", "web-7f9c.internal", "a_b"):
        headers = {"Host": host, "Authorization": f"Bearer {TOKEN}"}
        answers = [Client().get(path, headers=headers) for path in PATHS]

        assert [answer.status_code for answer in answers] == [200, 503, 200]


@pytest.mark.parametrize("path", PATHS)
def test_a_probe_looks_and_does_nothing_else(settings: SettingsWrapper, path: str) -> None:
    settings.DEBUG = True
    got, looked, posted = Client().get(path), Client().head(path), Client().post(path)

    assert (looked.status_code, looked.content) == (got.status_code, b"")
    assert (posted.status_code, posted["Allow"]) == (405, "GET, HEAD")
    assert json.loads(posted.content)["error"]["code"] == "method_not_allowed"
    assert got["Cache-Control"] == "no-store"
    assert got["X-Content-Type-Options"] == "nosniff"


def test_a_probe_is_no_client_whose_requests_are_counted() -> None:
    answers = [Client().get("/healthz") for _each in range(61)]

    assert {answer.status_code for answer in answers} == {200}
    assert not any("RateLimit-Limit" in answer for answer in answers)


def test_what_only_begins_like_a_probe_is_none() -> None:
    for path in ("/healthz/", "/readyz/x", "//healthz", "/fourthngoal/recover/healthz"):
        assert Client().get(path).status_code == 404


def test_a_probe_that_breaks_says_so_in_the_shape_of_every_error(
    settings: SettingsWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.METRICS_TOKEN = TOKEN
    monkeypatch.setattr(gauges, "read", None)
    client = Client(raise_request_exception=False)

    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})

    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"


# --- figures ----------------------------------------------------------------------------------


def figures(**headers: str) -> Any:
    return Client().get("/metrics", headers=headers)


def test_whoever_has_the_token_reads_the_figures(settings: SettingsWrapper) -> None:
    settings.METRICS_TOKEN = TOKEN

    answer = figures(Authorization=f"Bearer {TOKEN}")

    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


def test_the_name_of_the_scheme_may_be_written_in_small_letters(settings: SettingsWrapper) -> None:
    settings.METRICS_TOKEN = TOKEN

    assert figures(Authorization=f"bearer {TOKEN}").status_code == 200


@pytest.mark.parametrize(
    "given",
    ["", "Bearer", "Bearer ", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", "Bearer ü",
     f"Bearer {TOKEN.lower()}", TOKEN, f"Basic {TOKEN}", f"Token {TOKEN}"],
)  # fmt: skip
def test_nobody_else_does(settings: SettingsWrapper, given: str) -> None:
    settings.METRICS_TOKEN = TOKEN

    answer = figures(**({"Authorization": given} if given else {}))

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert json.loads(answer.content)["error"]["code"] == "not_authenticated"


@pytest.mark.parametrize(
    ("debug", "peer", "status"),
    [(True, "127.0.0.1", 200), (True, "::1", 200), (True, "192.0.2.7", 401),
     (True, "", 401), (False, "127.0.0.1", 401)],
)  # fmt: skip
def test_without_a_token_only_this_machine_reads_them_while_trying_out(
    settings: SettingsWrapper, debug: bool, peer: str, status: int
) -> None:
    settings.METRICS_TOKEN, settings.DEBUG = "", debug

    assert Client(REMOTE_ADDR=peer).get("/metrics").status_code == status


@pytest.mark.parametrize(
    "headers",
    [{"X-Forwarded-For": "192.0.2.7"}, {"Forwarded": "for=192.0.2.7"},
     {"X-Forwarded-Host": "recover.example"}, {"Host": "rebound.example"}],
)  # fmt: skip
def test_who_asks_through_a_program_on_this_machine_is_not_this_machine(
    settings: SettingsWrapper, headers: dict[str, str]
) -> None:
    settings.METRICS_TOKEN, settings.DEBUG, settings.ALLOWED_HOSTS = "", True, LOOPBACK_HOSTS

    assert figures(Host="127.0.0.1:8000").status_code == 200
    assert figures(**({"Host": "127.0.0.1:8000"} | headers)).status_code == 401


def test_a_token_that_can_be_guessed_stops_the_start(tmp_path: Path) -> None:
    def read(value: str) -> str:
        return Environment({"METRICS_TOKEN": value}, run_dir=tmp_path).optional_secret(
            "METRICS_TOKEN"
        )

    assert (read(""), read(TOKEN)) == ("", TOKEN)
    for weak in ("metrics", "a" * 64):
        with pytest.raises(ImproperlyConfigured, match=r"METRICS_TOKEN is too weak\. Make one"):
            read(weak)


def test_a_database_that_is_away_is_told_as_such(
    settings: SettingsWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEBUG = True

    def away(**_: Any) -> Any:
        raise OperationalError("away")

    monkeypatch.setattr(gauges, "read", away)

    answer = figures()

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


def test_every_probe_is_a_route_and_none_is_limited() -> None:
    found = {path: resolve(f"/{path}") for path in PROBES}

    assert {path: match.func for path, match in found.items()} == dict(PROBES)
    assert [path for path, match in found.items() if is_public(match.view_name)] == []
