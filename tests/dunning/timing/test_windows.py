"""When the send window opens, where clocks change or not."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.timing.local_time import clock_changes, later
from dunning.timing.windows import EVERY_DAY, WHOLE_DAY, NeverOpenError, Window

NEW_YORK = "America/New_York"
BERLIN = "Europe/Berlin"
SYDNEY = "Australia/Sydney"
LORD_HOWE = "Australia/Lord_Howe"
APIA = "Pacific/Apia"
TROLL = "Antarctica/Troll"  # its clocks change by two hours
# Whole, half and quarter hours; clocks that change by an hour, half an hour, two, or never; at
# midnight, and beyond the date line.
ZONES = (
    "UTC", NEW_YORK, BERLIN, SYDNEY, LORD_HOWE, APIA, TROLL, "Asia/Kolkata", "Asia/Kathmandu",
    "America/Havana", "America/St_Johns", "America/Santiago", "Asia/Beirut", "Africa/Cairo",
    "Africa/Casablanca", "Pacific/Chatham", "Pacific/Kiritimati", "Pacific/Auckland",
)  # fmt: skip
EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 20 * 365 * 86_400).map(lambda seconds: EPOCH + timedelta(seconds=seconds))


def local(zone: str, wall: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone), fold=fold)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    from_hour = draw(st.integers(0, 23))
    until_hour = draw(st.integers(from_hour + 1, 24))
    return Window(from_hour, until_hour, draw(st.frozensets(st.integers(1, 7), min_size=1)))


def days(numbers: str) -> frozenset[int]:
    return frozenset(int(number) for number in numbers)


@pytest.mark.parametrize(
    ("zone", "window", "wanted", "opens"),
    [
        # in the window nothing moves, its first moment included and its last hour's end not
        (BERLIN, (8, 20, "1234567"), "2026-11-03T14:05:06", "2026-11-03T14:05:06"),
        (BERLIN, (8, 20, "1234567"), "2026-11-03T08:00:00", "2026-11-03T08:00:00"),
        (BERLIN, (8, 20, "1234567"), "2026-11-03T19:59:59.999999", "2026-11-03T19:59:59.999999"),
        (BERLIN, (8, 20, "1234567"), "2026-11-03T20:00:00", "2026-11-04T08:00:00"),
        (BERLIN, (8, 20, "1234567"), "2026-11-03T07:59:59", "2026-11-03T08:00:00"),
        (BERLIN, (8, 24, "1234567"), "2026-11-03T23:59:59", "2026-11-03T23:59:59"),
        (BERLIN, (8, 24, "1234567"), "2026-11-04T00:00:00", "2026-11-04T08:00:00"),
        # over weekends
        (BERLIN, (9, 17, "12345"), "2026-11-06T17:00:00", "2026-11-09T09:00:00"),
        (BERLIN, (9, 17, "12345"), "2026-11-07T12:00:00", "2026-11-09T09:00:00"),
        (BERLIN, (9, 17, "67"), "2026-11-09T12:00:00", "2026-11-14T09:00:00"),
        (BERLIN, (9, 17, "2"), "2026-11-03T17:00:00", "2026-11-10T09:00:00"),
        # over the 29th of February, and over the turn of the year
        (BERLIN, (9, 17, "12345"), "2028-02-28T18:00:00", "2028-02-29T09:00:00"),
        (BERLIN, (9, 17, "12345"), "2028-02-29T18:00:00", "2028-03-01T09:00:00"),
        (BERLIN, (9, 17, "12345"), "2027-02-28T18:00:00", "2027-03-01T09:00:00"),
        (BERLIN, (9, 17, "12345"), "2026-12-31T18:00:00", "2027-01-01T09:00:00"),
        # half an hour off
        ("Asia/Kolkata", (9, 17, "1234567"), "2026-11-03T17:30:00", "2026-11-04T09:00:00"),
        ("Asia/Kathmandu", (9, 17, "1234567"), "2026-11-03T08:45:00", "2026-11-03T09:00:00"),
        # the clocks go forward over the window's first hour: it opens when the gap ends
        (NEW_YORK, (2, 5, "1234567"), "2026-03-08T01:30:00", "2026-03-08T03:00:00"),
        (BERLIN, (2, 5, "1234567"), "2026-03-29T01:30:00", "2026-03-29T03:00:00"),
        (SYDNEY, (2, 5, "1234567"), "2026-10-04T01:30:00", "2026-10-04T03:00:00"),
        (LORD_HOWE, (2, 5, "1234567"), "2026-10-04T01:30:00", "2026-10-04T02:30:00"),
        (TROLL, (2, 5, "1234567"), "2026-03-29T00:30:00", "2026-03-29T03:00:00"),
        # over the whole window: it opens on the next day
        (NEW_YORK, (2, 3, "1234567"), "2026-03-08T01:30:00", "2026-03-09T02:00:00"),
        (NEW_YORK, (2, 3, "7"), "2026-03-08T01:30:00", "2026-03-15T02:00:00"),
        (LORD_HOWE, (2, 3, "1234567"), "2026-10-04T01:30:00", "2026-10-04T02:30:00"),
        # over midnight
        ("America/Havana", (0, 1, "1234567"), "2026-03-07T12:00:00", "2026-03-09T00:00:00"),
        ("America/Havana", (0, 9, "7"), "2026-03-07T12:00:00", "2026-03-08T01:00:00"),
        # over a whole day: Samoa had no 30th of December 2011, a Friday
        (APIA, (9, 17, "1234567"), "2011-12-29T18:00:00", "2011-12-31T09:00:00"),
        (APIA, (9, 17, "5"), "2011-12-29T18:00:00", "2012-01-06T09:00:00"),
        (APIA, (0, 24, "6"), "2011-12-29T18:00:00", "2011-12-31T00:00:00"),
        # the clocks go back: both of the two hours are in the window, or neither is
        (NEW_YORK, (1, 5, "1234567"), "2026-11-01T00:30:00", "2026-11-01T01:00:00"),
        (NEW_YORK, (2, 5, "1234567"), "2026-11-01T01:30:00", "2026-11-01T02:00:00"),
        (SYDNEY, (3, 5, "1234567"), "2026-04-05T02:30:00", "2026-04-05T03:00:00"),
        (LORD_HOWE, (2, 5, "1234567"), "2026-04-05T01:45:00", "2026-04-05T02:00:00"),
    ],
)
def test_when_the_window_opens(
    zone: str, window: tuple[int, int, str], wanted: str, opens: str
) -> None:
    from_hour, until_hour, weekdays = window
    opened = Window(from_hour, until_hour, days(weekdays)).next_open(
        local(zone, wanted), ZoneInfo(zone)
    )
    assert opened.astimezone(UTC) == local(zone, opens).astimezone(UTC)


def test_a_window_that_the_clocks_go_back_into_opens_again() -> None:
    """Troll's clocks go from 03:00 back to 01:00, so 01:00 to 02:00 comes twice, an hour apart."""
    window, zone = Window(0, 2, EVERY_DAY), ZoneInfo(TROLL)
    closed = local(TROLL, "2026-10-25T02:30:00")
    again = local(TROLL, "2026-10-25T01:00:00", fold=1)

    assert window.next_open(closed, zone) == again.astimezone(UTC)
    assert again.astimezone(UTC) - closed.astimezone(UTC) == timedelta(minutes=30)


def test_the_second_of_two_hours_counts_as_the_first() -> None:
    window, zone = Window(1, 2, EVERY_DAY), ZoneInfo(NEW_YORK)
    second = local(NEW_YORK, "2026-11-01T01:30:00", fold=1)
    assert window.is_open(second, zone)
    assert window.next_open(second, zone) is second


@given(moment=MOMENTS, zone=st.sampled_from(ZONES))
def test_the_whole_day_never_moves_anything(moment: datetime, zone: str) -> None:
    assert WHOLE_DAY.next_open(moment, ZoneInfo(zone)) is moment


@given(moment=MOMENTS, window=windows(), zone=st.sampled_from(ZONES))
def test_it_opens_in_its_hours_and_never_before(
    moment: datetime, window: Window, zone: str
) -> None:
    opened = window.next_open(moment, ZoneInfo(zone))
    shown = opened.astimezone(ZoneInfo(zone))
    assert opened >= moment
    assert window.from_hour <= shown.hour < window.until_hour
    assert shown.isoweekday() in window.weekdays


@given(
    year=st.integers(2015, 2034),
    hours=st.integers(0, 365 * 24),
    window=windows(),
    zone=st.sampled_from(ZONES),
)
def test_it_opens_at_the_first_moment_it_can(
    year: int, hours: int, window: Window, zone: str
) -> None:
    """Looked for by walking there in quarters of an hour."""
    walked = moment = datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
    while not window.is_open(walked, ZoneInfo(zone)):
        walked += timedelta(minutes=15)
    assert window.next_open(moment, ZoneInfo(zone)) == walked


@pytest.mark.parametrize(
    ("from_hour", "until_hour", "weekdays"),
    [(8, 8, "1"), (20, 8, "1"), (-1, 8, "1"), (8, 25, "1"), (8, 20, ""), (8, 20, "08")],
)
def test_a_window_that_never_opens_is_refused(
    from_hour: int, until_hour: int, weekdays: str
) -> None:
    with pytest.raises(NeverOpenError, match=r"has no hour|are no days of the week"):
        Window(from_hour, until_hour, days(weekdays))


def test_a_window_says_what_it_is() -> None:
    assert str(Window(8, 20, days("12345"))) == "8:00 to 20:00 on Mon, Tue, Wed, Thu, Fri"


@pytest.mark.parametrize(
    ("zone", "failed", "delay", "expected"),
    [
        # whole days keep the time on the clock: forward, back, in the south, by half an hour
        (NEW_YORK, "2026-03-06T09:30:00", {"days": 3}, "2026-03-09T09:30:00"),
        (NEW_YORK, "2026-10-30T09:30:00", {"days": 3}, "2026-11-02T09:30:00"),
        (SYDNEY, "2026-10-02T09:30:00", {"days": 3}, "2026-10-05T09:30:00"),
        (LORD_HOWE, "2026-04-03T09:30:00", {"days": 3}, "2026-04-06T09:30:00"),
        ("Asia/Kolkata", "2026-03-06T09:30:00", {"days": 3}, "2026-03-09T09:30:00"),
        # hours are hours
        (NEW_YORK, "2026-03-08T01:30:00", {"hours": 1}, "2026-03-08T03:30:00"),
        (NEW_YORK, "2026-03-07T12:00:00", {"hours": 23}, "2026-03-08T12:00:00"),
        (NEW_YORK, "2026-03-07T12:00:00", {"hours": 26}, "2026-03-08T14:00:00"),
        (NEW_YORK, "2026-11-03T12:00:00", {}, "2026-11-03T12:00:00"),
        # into a gap: the moment after it
        (NEW_YORK, "2026-03-05T02:30:00", {"days": 3}, "2026-03-08T03:30:00"),
        (APIA, "2011-12-29T09:30:00", {"days": 1}, "2011-12-31T09:30:00"),
        # into the hour that comes twice: the first of the two
        (NEW_YORK, "2026-10-29T01:30:00", {"days": 3}, "2026-11-01T01:30:00"),
        # the 29th of February
        (BERLIN, "2028-02-28T09:30:00", {"days": 1}, "2028-02-29T09:30:00"),
        (BERLIN, "2028-02-28T09:30:00", {"days": 2}, "2028-03-01T09:30:00"),
        (BERLIN, "2027-02-28T09:30:00", {"days": 1}, "2027-03-01T09:30:00"),
    ],
)
def test_a_delay_in_days_keeps_the_time_on_the_clock(
    zone: str, failed: str, delay: dict[str, int], expected: str
) -> None:
    at = later(local(zone, failed), timedelta(**delay), ZoneInfo(zone))
    assert at == local(zone, expected).astimezone(UTC)


def test_a_day_after_the_second_of_two_hours_is_a_day_on_the_clock() -> None:
    second = local(NEW_YORK, "2026-11-01T01:30:00", fold=1)
    at = later(second, timedelta(days=1), ZoneInfo(NEW_YORK))
    assert at == local(NEW_YORK, "2026-11-02T01:30:00").astimezone(UTC)


@pytest.mark.parametrize(
    ("zone", "day", "changes"),
    [
        (NEW_YORK, "2026-03-08", ["2026-03-08T07:00:00+00:00"]),
        (NEW_YORK, "2026-11-01", ["2026-11-01T06:00:00+00:00"]),
        (LORD_HOWE, "2026-04-05", ["2026-04-04T15:00:00+00:00"]),
        (APIA, "2011-12-29", ["2011-12-30T10:00:00+00:00"]),
        (NEW_YORK, "2026-03-09", []),
        ("Asia/Kolkata", "2026-03-08", []),
    ],
)
def test_when_the_clocks_change(zone: str, day: str, changes: list[str]) -> None:
    found = clock_changes(datetime.fromisoformat(day).date(), ZoneInfo(zone))
    assert [at.isoformat() for at in found] == changes
