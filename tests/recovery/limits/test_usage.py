"""What an answer says of a limit."""

import pytest

from recovery.limits.usage import REQUESTS, Limit, Usage


def test_a_key_may_ask_a_hundred_times_a_minute_and_an_address_sixty() -> None:
    assert dict(REQUESTS) == {
        Limit.CREDENTIAL: 100, Limit.ADDRESS: 60, Limit.ONE_CLICK: 60, Limit.TRIAL_MAIL: 5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("count", "remaining", "is_exceeded"),
    [(1, 59, False), (59, 1, False), (60, 0, False), (61, 0, True), (5_000, 0, True)],
)
def test_the_last_request_of_a_limit_still_passes(
    count: int, remaining: int, is_exceeded: bool
) -> None:
    usage = Usage.after(count=count, limit=60, time_left=30)

    assert (usage.remaining, usage.is_exceeded) == (remaining, is_exceeded)


@pytest.mark.parametrize(("time_left", "reset"), [(59, 60), (1, 2), (0, 1), (-1, 1), (-7, 1)])
def test_the_wait_is_never_nothing(time_left: int, reset: int) -> None:
    """Less than none is left where the store was slow to answer."""
    assert Usage.after(count=61, limit=60, time_left=time_left).reset == reset


def test_it_is_three_fields_of_one_number_each() -> None:
    usage = Usage.after(count=45, limit=100, time_left=11)

    assert usage.headers == {
        "RateLimit-Limit": "100",
        "RateLimit-Remaining": "55",
        "RateLimit-Reset": "12",
    }
