"""Lengths of time: written as people do, and read back as what they were."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.plans.durations import DurationError, in_words, parse


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(0), "0"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=3), "3 days"),
        (timedelta(hours=36), "1 day 12 hours"),
        (timedelta(minutes=90), "1 hour 30 minutes"),
        (timedelta(seconds=1), "1 second"),
    ],
)
def test_a_length_of_time_is_told_in_its_units(length: timedelta, words: str) -> None:
    assert in_words(length) == words
    assert parse(words) == length


@pytest.mark.parametrize(
    ("text", "length"),
    [("36 hours", 36), (" 3 days ", 72), ("1day", 24), ("1 hour 1 day", 25), ("0 days", 0)],
)
def test_other_ways_to_write_it_are_read_too(text: str, length: int) -> None:
    assert parse(text) == timedelta(hours=length)


@pytest.mark.parametrize(
    "text", ["", "3", "3 weeks", "-1 day", "1.5 days", "1 day and 2 hours", "days", "1 day2 hours"]
)
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(DurationError, match="is no length of time: write 3 days"):
        parse(text)


def test_what_no_calendar_holds_is_refused() -> None:
    with pytest.raises(DurationError, match="is longer than anybody waits"):
        parse(" ".join(["999999999 days"] * 2))


@given(st.integers(0, 10**9))
def test_whatever_is_written_is_read_back(seconds: int) -> None:
    length = timedelta(seconds=seconds)
    assert parse(in_words(length)) == length
