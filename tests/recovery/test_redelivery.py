"""When a webhook that was not taken is sent again."""

from datetime import UTC, datetime, timedelta

import pytest

from recovery.redelivery import GAPS, is_taken, next_try

NOW = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("tries", "gap"),
    [
        (1, timedelta(seconds=5)), (2, timedelta(minutes=5)), (3, timedelta(minutes=30)),
        (4, timedelta(hours=2)), (5, timedelta(hours=5)), (6, timedelta(hours=10)),
        (7, timedelta(hours=14)), (8, timedelta(hours=20)), (9, timedelta(hours=21)),
    ],
)  # fmt: skip
def test_the_gaps_grow_and_are_spread_by_a_tenth(tries: int, gap: timedelta) -> None:
    assert next_try(tries=tries, now=NOW, jitter=0.0) == NOW + gap
    assert next_try(tries=tries, now=NOW, jitter=0.5) == NOW + gap * 1.05


def test_after_three_days_a_message_is_given_up() -> None:
    assert next_try(tries=10, now=NOW, jitter=0.0) is None
    assert next_try(tries=11, now=NOW, jitter=0.0) is None
    assert timedelta(days=3) <= sum(GAPS, timedelta()) < timedelta(days=3, hours=1)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, True), (201, True), (204, True), (299, True), (None, False), (199, False),
        (301, False), (304, False), (307, False), (400, False), (404, False), (410, False),
        (429, False), (500, False), (503, False),
    ],
)  # fmt: skip
def test_only_2xx_is_a_yes(status: int | None, expected: bool) -> None:
    assert is_taken(status) is expected
