"""When the next step is due, as a table over one campaign."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.schedule import Due, Planned, first_due

FAILED_AT = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)
STEPS = [
    Planned(1, timedelta(0)),
    Planned(2, timedelta(days=3)),
    Planned(3, timedelta(days=8)),
    Planned(4, timedelta(days=14)),
]


def later(**by: float) -> datetime:
    return FAILED_AT + timedelta(**by)


@pytest.mark.parametrize(
    ("after", "now", "expected"),
    [
        # a case that opens at once starts at the beginning
        (0, later(), Due(1, later())),
        (0, later(seconds=4), Due(1, later(seconds=4))),
        # each step in its turn
        (1, later(seconds=5), Due(2, later(days=3))),
        (1, later(days=3), Due(2, later(days=3))),
        (2, later(days=3), Due(3, later(days=8))),
        (3, later(days=8), Due(4, later(days=14))),
        (4, later(days=14), None),
        # what is long past collapses into the latest of it, due now
        (0, later(days=2), Due(1, later(days=2))),
        (0, later(days=3), Due(2, later(days=3))),
        (0, later(days=9), Due(3, later(days=9))),
        (0, later(days=365), Due(4, later(days=365))),
        (1, later(days=9), Due(3, later(days=9))),
        (2, later(days=9), Due(3, later(days=9))),
        (3, later(days=9), Due(4, later(days=14))),
        # a clock that is behind Stripe's: nothing goes before its time
        (0, later(hours=-1), Due(1, later())),
        # a position that is there no more
        (9, later(), None),
    ],
)
def test_what_is_due_next(after: int, now: datetime, expected: Due | None) -> None:
    assert first_due(STEPS, failed_at=FAILED_AT, not_before=now, after=after) == expected


def test_a_campaign_without_steps_is_never_due() -> None:
    assert first_due([], failed_at=FAILED_AT, not_before=FAILED_AT) is None


@given(
    delays=st.lists(st.integers(0, 60 * 86_400), min_size=1, max_size=8),
    late=st.integers(0, 90 * 86_400),
)
def test_whatever_the_campaign_the_steps_go_forward_each_at_most_once(
    delays: list[int], late: int
) -> None:
    steps = [
        Planned(position, timedelta(seconds=delay))
        for position, delay in enumerate(sorted(delays), start=1)
    ]
    now, taken = FAILED_AT + timedelta(seconds=late), 0

    while due := first_due(steps, failed_at=FAILED_AT, not_before=now, after=taken):
        assert due.position > taken
        assert due.at >= max(now, FAILED_AT + steps[due.position - 1].delay)
        taken, now = due.position, due.at

    assert taken == len(steps)
