"""Each thing that a process needs, away by itself, is seen in the answer; and in time."""

import logging
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.test import Client
from django.utils import timezone
from pytest_django import Settings as SettingsWrapper

from recover_project.celery import app as celery_app
from recover_project.probes import checks
from recover_project.probes.looks import Look
from recover_project.probes.patience import statements_end_within
from recovery import heartbeats
from recovery.models import Heartbeat
from recovery.tasks import beat_heart
from tests.recover_project.probes.readiness import ALL_WELL, ready
from tests.redis_server import RedisServer
from tests.threads import in_thread

# The checks look from threads of their own, which see what is committed.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def working() -> None:
    beat_heart()


def test_with_all_that_it_needs_a_process_is_ready(working: None) -> None:
    assert ready() == (200, ALL_WELL)


# --- database ---------------------------------------------------------------------------------


def test_without_its_database_it_is_not(working: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("no route to db.internal")

    rows = {"database": away, "migrations": checks.migrations, "worker": checks.worker}
    monkeypatch.setattr(checks, "LOOKS", (Look(rows), *checks.LOOKS[1:]))

    assert ready() == (
        503, {"database": False, "migrations": False, "broker": True, "worker": False}
    )  # fmt: skip


def test_who_writes_for_long_keeps_no_probe_waiting(working: None) -> None:
    """On SQLite a transaction waits for whoever writes, and so would one of a check."""
    with transaction.atomic():
        Heartbeat.objects.update(beat_at=timezone.now())
        began = time.monotonic()

        assert ready() == (200, ALL_WELL)

    assert time.monotonic() - began < 1


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite's readers never wait.")
def test_tables_that_are_locked_are_told_in_time(working: None) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE recovery_heartbeat IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()

        assert ready() == (503, ALL_WELL | {"worker": False})

    assert time.monotonic() - began < checks.ANSWERS_WITHIN + 1


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no such limit.")
def test_a_statement_that_takes_too_long_is_given_up_and_the_next_may_take_its_time() -> None:
    with connection.cursor() as cursor:
        in_time = statements_end_within(seconds=0.1)
        with pytest.raises(OperationalError, match="statement timeout"), in_time:
            cursor.execute("SELECT pg_sleep(5)")
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


# --- migrations -------------------------------------------------------------------------------


def test_with_tables_of_another_age_it_is_not_ready(
    working: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "_in_step", set())
    [(_app, newest)] = MigrationLoader(connection).graph.leaf_nodes("dunning")
    one = f"app = 'dunning' AND name = '{newest}'"
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE django_migrations SET app = 'away' WHERE {one}")
        try:
            assert ready() == (503, ALL_WELL | {"migrations": False})
        finally:
            cursor.execute("UPDATE django_migrations SET app = 'dunning' WHERE app = 'away'")
    assert ready() == (200, ALL_WELL)


def test_in_step_once_the_tables_are_not_looked_at_again(
    working: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready()
    monkeypatch.setattr(checks, "MigrationExecutor", None)

    assert ready() == (200, ALL_WELL)


# --- worker -----------------------------------------------------------------------------------


def test_without_a_worker_it_is_not_ready() -> None:
    assert ready() == (503, ALL_WELL | {"worker": False})


@pytest.mark.parametrize(
    ("age", "is_ok"),
    [(timedelta(seconds=-60), True), (checks.LATEST_BEAT - timedelta(seconds=5), True),
     (checks.LATEST_BEAT + timedelta(seconds=5), False)],
)  # fmt: skip
def test_a_worker_that_fell_silent_is_noticed(age: timedelta, is_ok: bool) -> None:
    heartbeats.beat(now=timezone.now() - age)

    assert ready() == (200 if is_ok else 503, ALL_WELL | {"worker": is_ok})


def test_two_workers_beat_one_heart() -> None:
    threads = [in_thread(beat_heart) for _each in range(4)]
    for thread in threads:
        thread.join(20)

    assert Heartbeat.objects.count() == 1


def test_the_timetable_beats_often_enough_to_miss_a_few() -> None:
    [entry] = [
        entry for entry in celery_app.conf.beat_schedule.values()
        if entry["task"] == "recovery.beat_heart"
    ]  # fmt: skip

    assert entry["schedule"] * 8 == checks.LATEST_BEAT.total_seconds()


# --- broker -----------------------------------------------------------------------------------


def test_an_embedded_broker_has_its_folder_made_as_by_a_first_message(
    working: None, tmp_path: Path
) -> None:
    (tmp_path / "broker" / "queue").rmdir()

    assert ready() == (200, ALL_WELL)


def test_an_embedded_broker_whose_folder_is_a_file_is_noticed(
    working: None, tmp_path: Path
) -> None:
    (tmp_path / "broker" / "queue").rmdir()
    (tmp_path / "broker" / "queue").touch()

    assert ready() == (503, ALL_WELL | {"broker": False})


def test_looking_leaves_nothing_in_the_folder(working: None, tmp_path: Path) -> None:
    ready()

    assert list((tmp_path / "broker" / "queue").iterdir()) == []


def test_redis_is_asked_where_there_is_one(
    working: None, settings: SettingsWrapper, redis_server: RedisServer
) -> None:
    settings.REDIS_URL = redis_server.url
    assert ready() == (200, ALL_WELL)

    redis_server.stop()
    assert ready() == (503, ALL_WELL | {"broker": False})


def test_a_broker_that_never_answers_keeps_nobody_waiting(
    working: None, settings: SettingsWrapper, mute_port: int
) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{mute_port}/0"
    began = time.monotonic()

    assert ready() == (503, ALL_WELL | {"broker": False})
    assert time.monotonic() - began < 2 * checks.BROKER_SECONDS


# --- what is told, and to whom ----------------------------------------------------------------


def test_the_answer_tells_a_stranger_nothing_and_the_log_tells_why(
    working: None, settings: SettingsWrapper, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = "redis://:pass-word@127.0.0.1:1/0"

    shown = Client().get("/readyz").content.decode()

    assert "127.0.0.1" not in shown
    assert "Error" not in shown
    assert "Not ready: broker: ConnectionError" in caplog.text
    assert "pass-word" not in caplog.text


def test_the_log_hears_of_a_change_and_not_of_every_probe(
    working: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "broker" / "queue"
    folder.rmdir()
    folder.touch()
    assert [ready()[0] for _each in range(3)] == [503, 503, 503]
    folder.unlink()
    assert [ready()[0] for _each in range(3)] == [200, 200, 200]

    said = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert [each.partition(": File")[0] for each in said] == [
        "Not ready: broker", "Ready again: broker.",
    ]  # fmt: skip
