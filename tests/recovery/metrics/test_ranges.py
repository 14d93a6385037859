"""Ranges of a merchant's days."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from recovery.metrics import Range

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_range_ends_when_the_day_after_its_last_begins() -> None:
    october = Range(date(2026, 10, 1), date(2026, 10, 31), BERLIN)

    assert october.begins_at == datetime.fromisoformat("2026-09-30T22:00:00Z")
    assert october.ends_at == datetime.fromisoformat("2026-10-31T23:00:00Z")
    assert (len(october.days), october.days[-1]) == (31, date(2026, 10, 31))


def test_a_month_to_date_begins_where_the_merchant_is_and_has_no_end() -> None:
    month = Range.month_to_date(BERLIN, now=datetime.fromisoformat("2026-10-31T23:00:00Z"))

    assert month == Range(date(2026, 11, 1), None, BERLIN)
    assert (month.ends_at, month.days, month.is_within_a_month) == (None, [], True)


@pytest.mark.parametrize(
    ("first", "last", "is_within"),
    [
        (date(2026, 10, 1), date(2026, 10, 31), True),
        (date(2026, 10, 1), date(2026, 10, 1), True),
        (date(2026, 10, 2), date(2026, 10, 31), False),
        (date(2026, 10, 1), date(2026, 11, 1), False),
        (date(2025, 10, 1), date(2026, 10, 31), False),
    ],
)
def test_a_range_that_begins_with_a_month_may_stay_within_it(
    first: date, last: date, is_within: bool
) -> None:
    assert Range(first, last, BERLIN).is_within_a_month is is_within
