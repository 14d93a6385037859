"""What is asked of a process by whoever decides whether it is sent customers."""

import json
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings as SettingsWrapper

from recover_project.celery import app as celery_app
from recover_project.environment import Environment
from recover_project.probes import checks, gauges
from recovery import heartbeats
from recovery.tasks import beat_heart
from tests.redis_server import RedisServer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _embedded_broker(settings: SettingsWrapper, tmp_path: Path) -> None:
    settings.REDIS_URL, settings.RUN_DIR = "", tmp_path
    (tmp_path / "broker" / "queue").mkdir(parents=True)


@pytest.fixture
def working() -> None:
    beat_heart()


def ready() -> tuple[int, dict[str, bool]]:
    answer = Client().get("/readyz")
    shown = json.loads(answer.content)
    assert shown["status"] == ("ready" if answer.status_code == 200 else "not ready")
    assert ("Retry-After" in answer) is (answer.status_code == 503)
    return answer.status_code, {name: one["ok"] for name, one in shown["checks"].items()}


ALL_WELL = {"database": True, "migrations": True, "broker": True, "worker": True}


# --- alive ------------------------------------------------------------------------------------


def test_a_process_that_answers_is_alive_and_asks_nobody(
    django_assert_num_queries: Any, settings: SettingsWrapper
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    with django_assert_num_queries(0):
        answer = Client().get("/healthz")

    assert (answer.status_code, json.loads(answer.content)) == (200, {"status": "ok"})
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_may_call_a_process_by_any_address(working: None, path: str) -> None:
    for host in ("10.1.2.3:8000", "[fd00::1]:8000", "web-7f9c.internal"):
        assert Client().get(path, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_a_probe_looks_and_does_nothing_else(
    working: None, settings: SettingsWrapper, path: str
) -> None:
    settings.DEBUG = True
    looked, posted = Client().head(path), Client().post(path)

    assert (looked.status_code, looked.content) == (200, b"")
    assert (posted.status_code, posted["Allow"]) == (405, "GET, HEAD")
    assert json.loads(posted.content)["error"]["code"] == "method_not_allowed"


def test_what_only_begins_like_a_probe_is_none() -> None:
    for path in ("/healthz/", "/readyz/x", "/fourthngoal/recover/healthz"):
        assert Client().get(path).status_code == 404


# --- ready ------------------------------------------------------------------------------------


def test_with_all_that_it_needs_a_process_is_ready(working: None) -> None:
    assert ready() == (200, ALL_WELL)


def test_without_its_database_it_is_not(working: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OSError("no route to db.internal")

    monkeypatch.setattr(checks, "CHECKS", {**checks.CHECKS, "database": away})

    assert ready() == (
        503, {"database": False, "migrations": False, "broker": True, "worker": False}
    )  # fmt: skip


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no such limit.")
def test_a_database_that_hangs_is_given_up_in_time() -> None:
    with connection.cursor() as cursor:
        checks.database()
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == (f"{checks.STATEMENT_MS // 1000}s",)


def test_with_tables_of_another_age_it_is_not_ready(
    working: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "_is_in_step", set())
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'dunning' AND name LIKE '0010%'")

    assert ready() == (503, ALL_WELL | {"migrations": False})


def test_in_step_once_the_tables_are_not_looked_at_again(
    working: None, django_assert_max_num_queries: Any
) -> None:
    ready()

    with django_assert_max_num_queries(5):  # a savepoint and its release, two settings, two rows
        assert ready() == (200, ALL_WELL)


def test_without_a_worker_it_is_not_ready() -> None:
    assert ready() == (503, ALL_WELL | {"worker": False})


def test_a_worker_that_fell_silent_is_noticed() -> None:
    for age, is_ok in ((checks.LATEST_BEAT - timedelta(seconds=5), True),
                       (checks.LATEST_BEAT + timedelta(seconds=5), False)):  # fmt: skip
        heartbeats.beat(now=timezone.now() - age)
        assert ready()[1]["worker"] is is_ok


def test_the_timetable_beats_often_enough_to_miss_a_few() -> None:
    [entry] = [
        entry for entry in celery_app.conf.beat_schedule.values()
        if entry["task"] == "recovery.beat_heart"
    ]  # fmt: skip

    assert entry["schedule"] * 4 <= checks.LATEST_BEAT.total_seconds()


def test_an_embedded_broker_that_cannot_be_written_is_noticed(
    working: None, settings: SettingsWrapper, tmp_path: Path
) -> None:
    settings.RUN_DIR = tmp_path / "not" / "there"

    assert ready() == (503, ALL_WELL | {"broker": False})


def test_redis_is_asked_where_there_is_one(
    working: None, settings: SettingsWrapper, tmp_path: Path
) -> None:
    with RedisServer(tmp_path) as redis:
        settings.REDIS_URL = redis.url
        assert ready() == (200, ALL_WELL)

        redis.stop()
        assert ready() == (503, ALL_WELL | {"broker": False})


@pytest.fixture
def mute() -> Iterator[str]:
    """Takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


def test_a_broker_that_never_answers_keeps_nobody_waiting(
    working: None, settings: SettingsWrapper, mute: str
) -> None:
    settings.REDIS_URL = mute
    began = time.monotonic()

    assert ready() == (503, ALL_WELL | {"broker": False})
    assert time.monotonic() - began < 3 * checks.BROKER_SECONDS


def test_the_answer_tells_a_stranger_nothing_and_the_log_tells_why(
    working: None, settings: SettingsWrapper, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = "redis://:pass-word@127.0.0.1:1/0"

    shown = Client().get("/readyz").content.decode()

    assert "127.0.0.1" not in shown
    assert "Error" not in shown
    assert "Not ready: broker: ConnectionError" in caplog.text
    assert "pass-word" not in caplog.text


# --- figures ----------------------------------------------------------------------------------

TOKEN = "Zk3vX9qL7mN2pR5tY8wB1cD4fG6hJ0sA"


def figures(**headers: str) -> Any:
    return Client().get("/metrics", headers=headers)


def test_whoever_has_the_token_reads_the_figures(settings: SettingsWrapper) -> None:
    settings.METRICS_TOKEN = TOKEN

    answer = figures(Authorization=f"Bearer {TOKEN}")

    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize(
    "given", ["", "Bearer", f"Bearer {TOKEN[:-1]}", "Bearer ü", TOKEN.lower()]
)
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
