"""Machines whose clocks are apart agree on one: the database's."""

import os
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from recovery import clock
from recovery.clock import ASKED_AGAIN_AFTER, ASKED_EVERY, Clock
from recovery.credentials.tokens import AccessToken
from tests.programs import printed

TEN_MINUTES = timedelta(minutes=10)
RIGHT = timezone.now  # whatever a test makes of this machine's

pytestmark = pytest.mark.django_db


@pytest.fixture
def ours() -> Clock:
    made = Clock()
    made.follow_database()
    return made


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Turns this machine's clock."""

    def turn(ahead: timedelta) -> None:
        monkeypatch.setattr(timezone, "now", lambda: RIGHT() + ahead)

    return turn


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What a clock that only goes forward shows."""
    shown = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: shown[0])
    return shown


def is_right(moment: datetime) -> bool:
    return abs(moment - RIGHT()) < timedelta(seconds=30)


def only_postgresql() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("Whose database is on the same machine has its clock.")


@pytest.mark.parametrize("ahead", [TEN_MINUTES, -timedelta(hours=2)], ids=["ahead", "behind"])
def test_a_machine_whose_clock_is_wrong_has_the_right_time(
    ours: Clock, machine: Any, ahead: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    only_postgresql()
    machine(ahead)

    assert is_right(ours.now())
    assert is_right(ours.now())
    [line] = caplog.messages
    assert line.startswith(f"This machine's clock is {ahead.total_seconds():+.0f} seconds")


def test_a_clock_that_is_set_right_is_the_one_again(
    ours: Clock, machine: Any, seconds: list[float]
) -> None:
    only_postgresql()
    machine(TEN_MINUTES)
    ours.now()
    machine(timedelta(0))
    seconds[0] += ASKED_EVERY

    assert is_right(ours.now())
    assert ours.behind == timedelta(0)


def test_nothing_is_made_of_less_than_a_second(
    ours: Clock, machine: Any, caplog: pytest.LogCaptureFixture
) -> None:
    machine(timedelta(seconds=0.9))

    ours.now()

    assert (ours.behind, caplog.messages) == (timedelta(0), [])


def test_the_database_is_asked_once_a_minute(
    ours: Clock, seconds: list[float], django_assert_num_queries: Any
) -> None:
    only_postgresql()
    with django_assert_num_queries(1):
        ours.now()
        seconds[0] += ASKED_EVERY - 1
        ours.now()
    seconds[0] += 1
    with django_assert_num_queries(1):
        ours.now()


def test_what_was_known_holds_while_the_database_is_away(
    ours: Clock, machine: Any, seconds: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    only_postgresql()
    machine(TEN_MINUTES)
    ours.now()
    seconds[0] += ASKED_EVERY
    asked = []

    def away() -> None:
        asked.append(1)
        raise OperationalError("away")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "cursor", away)
        moments = [ours.now(), ours.now()]
        seconds[0] += ASKED_AGAIN_AFTER
        moments.append(ours.now())

    assert all(map(is_right, moments))
    assert len(asked) == 2  # not each time anew: that takes as long as a connection does


def test_a_thread_that_has_no_connection_is_given_none_to_know_the_time(
    ours: Clock, seconds: list[float]
) -> None:
    ours.now()
    seconds[0] += ASKED_EVERY
    opened = []

    def look() -> None:
        ours.now()
        opened.append(connection.connection)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()

    assert opened == [None]


def test_who_follows_no_database_has_the_machines_clock(
    machine: Any, django_assert_num_queries: Any
) -> None:
    machine(TEN_MINUTES)
    with django_assert_num_queries(0):
        assert abs(Clock().now() - RIGHT() - TEN_MINUTES) < timedelta(seconds=30)


def test_a_machine_that_is_behind_takes_the_token_that_it_gives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """simplejwt reads the machine's clock, and refuses what was issued in the future."""
    now, lifetime = RIGHT() + TEN_MINUTES, timedelta(minutes=15)
    shown = AccessToken.issue(now=now, lifetime=lifetime)
    assert AccessToken.read(shown) is None

    monkeypatch.setattr(clock, "apart", lambda: TEN_MINUTES)

    assert AccessToken.read(shown)


LOOK = """
from datetime import timedelta
from django.utils import timezone
from recovery import clock
right = timezone.now
timezone.now = lambda: right() + timedelta(minutes=10)
print((clock.now() - right()).total_seconds())
"""


@pytest.mark.parametrize("program", ["web", "worker"])
def test_whoever_serves_or_works_follows_it(tmp_path: Path, program: str) -> None:
    only_postgresql()
    seconds = printed(program, LOOK, run_dir=tmp_path, DATABASE_URL=os.environ["DATABASE_URL"])

    assert abs(float(seconds)) < 30
