"""When days begin, in places that turn their clocks at midnight too."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from recovery.days import days_between, start_of


@pytest.mark.parametrize(
    ("zone", "day", "begins"),
    [
        ("UTC", "2026-11-03", "2026-11-03T00:00:00+00:00"),
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00+00:00"),  # 25 hours long
        ("Europe/Berlin", "2026-10-26", "2026-10-25T23:00:00+00:00"),
        ("America/New_York", "2026-03-08", "2026-03-08T05:00:00+00:00"),  # 23 hours long
        ("America/New_York", "2026-03-09", "2026-03-09T04:00:00+00:00"),
        # Turned on at midnight: there is no 00:00, the day begins at 01:00.
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00+00:00"),
        # Turned back to midnight: there are two, the day begins at the first.
        ("America/Havana", "2026-11-01", "2026-11-01T04:00:00+00:00"),
        ("Pacific/Kiritimati", "2026-01-01", "2025-12-31T10:00:00+00:00"),
    ],
)
def test_a_day_begins_when_its_place_says(zone: str, day: str, begins: str) -> None:
    moment = start_of(date.fromisoformat(day), ZoneInfo(zone))

    assert moment == datetime.fromisoformat(begins)
    assert moment.isoformat() == begins


def test_days_are_told_with_both_ends() -> None:
    first, last = date(2026, 2, 27), date(2026, 3, 1)

    assert [str(day) for day in days_between(first, last)] == [
        "2026-02-27", "2026-02-28", "2026-03-01",
    ]  # fmt: skip
    assert list(days_between(first, first)) == [first]
    assert list(days_between(last, first)) == []
