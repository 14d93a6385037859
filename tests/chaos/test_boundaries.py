"""A process dies at the boundary that it was told to die at, and at no other."""

import os
import signal
from typing import Any

import pytest
from django.db.backends.utils import CursorWrapper

from tests.chaos.boundaries import Boundaries


class Killed(BaseException):
    """As if the process were gone."""


@pytest.fixture(autouse=True)
def _nobody_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(pid: int, number: int) -> None:
        assert (pid, number) == (os.getpid(), signal.SIGKILL)
        raise Killed

    monkeypatch.setattr("tests.chaos.boundaries.os.kill", kill)


def acted(die_at: int, times: int = 3) -> tuple[int, int]:
    """How often it was done, and at how many boundaries the process was, until it died."""
    done: list[object] = []
    boundaries = Boundaries(die_at)
    act = boundaries.around(done.append)
    try:
        for _time in range(times):
            act("once")
    except Killed:
        pass
    return len(done), boundaries.passed


@pytest.mark.parametrize(
    ("die_at", "expected"), [(1, (0, 1)), (2, (1, 2)), (3, (1, 3)), (4, (2, 4)), (0, (3, 6))]
)
def test_before_and_after_each_act(die_at: int, expected: tuple[int, int]) -> None:
    assert acted(die_at) == expected


def test_an_act_that_fails_has_an_end_as_well() -> None:
    def fail(_self: object) -> None:
        raise ValueError

    boundaries = Boundaries(0)
    with pytest.raises(ValueError):  # noqa: PT011 - of ours
        boundaries.around(fail)(None)
    assert boundaries.passed == 2


@pytest.mark.parametrize(
    ("statement", "is_in_transaction", "passed"),
    [
        ("UPDATE x", False, 2),  # committed by itself
        ("UPDATE x", True, 0),
        ("SELECT 1", False, 0),
    ],
)
def test_a_statement_is_one_where_it_commits(
    statement: str, is_in_transaction: bool, passed: int
) -> None:
    class Cursor(CursorWrapper):
        def __init__(self) -> None:
            self.db: Any = type("Db", (), {"in_atomic_block": is_in_transaction})()

    boundaries = Boundaries(0)
    boundaries.around(lambda _self, _statement: None)(Cursor(), statement)
    assert boundaries.passed == passed
