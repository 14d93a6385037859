"""Turns: nobody keeps a worker for as long as there is something to do."""

from typing import Any

import pytest
from kombu.exceptions import OperationalError

from recovery import turns
from recovery.models import Merchant
from recovery.tasks import beat_heart as work
from recovery.turns import Queue


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the broker was asked to hand on."""
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(work, "apply_async", lambda **options: told.append(options))
    return told


@pytest.fixture
def _no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SHORT", 0)
    monkeypatch.setattr(turns, "LONG", 0)


@pytest.mark.usefixtures("_no_time")
def test_of_many_rows_one_at_least_is_taken_and_the_rest_waits_for_another_turn(
    asked: list[dict[str, Any]],
) -> None:
    assert list(turns.taken(work, [1, 2, 3])) == [1]
    assert asked == [{"kwargs": {}, "queue": "later", "expires": 10}]


@pytest.mark.usefixtures("_no_time")
def test_of_rows_that_may_stay_the_next_turn_takes_those_after_the_last(
    asked: list[dict[str, Any]],
) -> None:
    rows = [Merchant(pk=3), Merchant(pk=5)]

    assert list(turns.in_order(work, rows)) == rows[:1]
    assert asked == [{"kwargs": {"after_id": 3}, "queue": "later", "expires": 10}]
    assert list(turns.in_order(work, rows[1:])) == rows[1:]
    assert len(asked) == 1


@pytest.mark.usefixtures("_no_time")
@pytest.mark.parametrize("rows", [[], [1]])
def test_who_has_no_more_asks_for_nothing(asked: list[dict[str, Any]], rows: list[int]) -> None:
    assert list(turns.taken(work, rows)) == rows
    assert asked == []


def test_while_the_turn_lasts_all_rows_are_taken(asked: list[dict[str, Any]]) -> None:
    assert list(turns.taken(work, range(100))) == list(range(100))
    assert asked == []


@pytest.mark.usefixtures("_no_time")
def test_who_leaves_the_loop_is_done(asked: list[dict[str, Any]]) -> None:
    for _go in turns.turn(work):
        break
    assert asked == []


def test_a_broker_that_takes_nothing_is_told_of_and_stops_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(**_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(work, "apply_async", refuse)

    turns.poke(work, queue=Queue.LATER)

    assert "The broker takes no message; the sweep will do recovery.beat_heart." in caplog.text


def test_the_names_of_the_queues_are_in_the_order_of_the_queues() -> None:
    assert sorted(Queue) == list(Queue) == ["celery", "inbox", "later", "mails"]
