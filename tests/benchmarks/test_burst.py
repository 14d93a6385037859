"""What a burst of events is reckoned to have cost."""

import time

import pytest

from benchmarks.burst import Drained, drain, told


def test_it_is_drained_as_soon_as_each_event_has_its_case() -> None:
    found = iter([0, 1, 3])

    drained = drain(lambda: next(found), 3, begun=time.perf_counter(), patience=60)

    assert drained.cases == 3
    assert drained.seconds < 60


def test_nobody_waits_for_ever() -> None:
    assert drain(lambda: 2, 3, begun=time.perf_counter(), patience=0).cases == 2


@pytest.mark.parametrize(
    ("stored", "cases", "seconds", "missed"),
    [
        (20_000, 20_000, 60.0, []),
        (20_000, 20_000, 60.1, ["the same, until all cases are open"]),
        (20_000, 19_000, 300.0, ["the same, until nobody waited for the other 1,000 cases"]),
        (19_999, 20_000, 9.0, ["events that were accepted and are lost"]),
    ],
)
def test_what_is_lost_or_late_is_missed(
    stored: int, cases: int, seconds: float, missed: list[str]
) -> None:
    measured = told(20_000, accepted=8, stored=stored, drained=Drained(cases, seconds))

    assert [one.what for one in measured if one.is_missed] == missed


def test_a_shorter_burst_may_take_as_much_less() -> None:
    [_, _, drained] = told(1_000, accepted=1, stored=1_000, drained=Drained(1_000, 4))
    assert drained.is_missed
