"""When the next step is taken, as tables over campaigns."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dunning.models import campaigns
from dunning.timing.paydays import PAYDAYS
from dunning.timing.schedule import (
    WHOLE_DAY,
    Channel,
    DelayFrom,
    Move,
    Planned,
    Step,
    Where,
    Window,
    plan_next,
)

EMAIL, RETRY, WEBHOOK, TASK = Channel.EMAIL, Channel.RETRY, Channel.WEBHOOK, Channel.TASK
FAILED_AT = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)  # a Tuesday
OFFICE = Window(9, 17, frozenset({1, 2, 3, 4, 5}))
ANYTIME = Where(zone=ZoneInfo("UTC"), country="", window=WHOLE_DAY, decline_code="")
FOUR_MAILS = (
    Step(1, timedelta(0), EMAIL),
    Step(2, timedelta(days=3), EMAIL),
    Step(3, timedelta(days=8), EMAIL),
    Step(4, timedelta(days=14), EMAIL),
)


def later(**by: float) -> datetime:
    return FAILED_AT + timedelta(**by)


def on(day: int, hour: int = 9, minute: int = 30, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def where(
    *,
    zone: str = "UTC",
    country: str = "",
    window: Window = WHOLE_DAY,
    decline_code: str = "insufficient_funds",
) -> Where:
    return Where(ZoneInfo(zone), country, window, decline_code)


def plan(
    *steps: Step,
    now: datetime = FAILED_AT,
    after: int = 0,
    stepped_at: datetime | None = None,
    failed_at: datetime = FAILED_AT,
    where: Where = ANYTIME,
) -> Planned | None:
    return plan_next(
        steps, failed_at=failed_at, stepped_at=stepped_at, now=now, where=where, after=after
    )


def planned(*steps: Step, **facts: object) -> Planned:
    found = plan(*steps, **facts)  # type: ignore[arg-type]
    assert found
    return found


@pytest.mark.parametrize(
    ("after", "now", "position", "at", "collapsed"),
    [
        # a case that opens at once starts at the beginning
        (0, later(), 1, later(), ()),
        (0, later(seconds=4), 1, later(seconds=4), ()),
        # each step in its turn
        (1, later(seconds=5), 2, later(days=3), ()),
        (1, later(days=3), 2, later(days=3), ()),
        (2, later(days=3), 3, later(days=8), ()),
        (3, later(days=8), 4, later(days=14), ()),
        # what is long past collapses into the latest of it, due now
        (0, later(days=2), 1, later(days=2), ()),
        (0, later(days=3), 2, later(days=3), (1,)),
        (0, later(days=9), 3, later(days=9), (1, 2)),
        (0, later(days=365), 4, later(days=365), (1, 2, 3)),
        (1, later(days=9), 3, later(days=9), (2,)),
        (2, later(days=9), 3, later(days=9), ()),
        (3, later(days=9), 4, later(days=14), ()),
        # a clock that is behind Stripe's: nothing goes before its time
        (0, later(hours=-1), 1, later(), ()),
    ],
)
def test_what_is_taken_next(
    after: int, now: datetime, position: int, at: datetime, collapsed: tuple[int, ...]
) -> None:
    wanted_at = FAILED_AT + FOUR_MAILS[position - 1].delay
    expected = Planned(position, at, wanted_at, moves=(), collapsed=collapsed)
    assert plan(*FOUR_MAILS, now=now, after=after) == expected
    assert plan(*reversed(FOUR_MAILS), now=now, after=after) == expected


def test_when_no_step_is_left_nothing_is_planned() -> None:
    assert plan(*FOUR_MAILS, after=4) is None
    assert plan(*FOUR_MAILS, after=9) is None
    assert plan() is None


@pytest.mark.parametrize(
    ("after", "position", "collapsed"),
    [(0, 3, (1, 2)), (3, 4, ()), (4, 5, ()), (5, 6, ())],
)
def test_overdue_steps_collapse_into_the_last_of_their_channel_in_the_order_of_position(
    after: int, position: int, collapsed: tuple[int, ...]
) -> None:
    steps = [
        Step(number, timedelta(days=number), channel)
        for number, channel in enumerate((RETRY, EMAIL, WEBHOOK, RETRY, EMAIL, TASK), start=1)
    ]
    found = planned(*steps, now=later(days=30), after=after)
    assert (found.position, found.at, found.collapsed) == (position, later(days=30), collapsed)


def test_steps_collapse_when_the_window_opens_for_both() -> None:
    """Wanted on Saturday and on Sunday, both would go out on Monday at nine."""
    steps = (
        Step(1, timedelta(days=4), EMAIL),
        Step(2, timedelta(days=4, hours=1), TASK),
        Step(3, timedelta(days=5), EMAIL),
    )
    office = where(window=OFFICE)
    first = planned(*steps, where=office)
    assert (first.position, first.at, first.collapsed) == (2, on(7, 10), (1,))
    then = planned(*steps, where=office, now=on(7, 10), after=2)
    assert (then.position, then.at, then.collapsed) == (3, on(9, 9, 0), ())


PREVIOUS = (
    Step(1, timedelta(0), EMAIL),
    Step(2, timedelta(days=2), EMAIL, DelayFrom.PREVIOUS),
    Step(3, timedelta(days=2), EMAIL, DelayFrom.PREVIOUS),
    Step(4, timedelta(days=5), TASK),
)


@pytest.mark.parametrize(
    ("after", "stepped_at", "now", "expected"),
    [
        # before the first step, the failure is what was before
        (0, None, later(), (1, later(), ())),
        (1, later(hours=5), later(hours=5), (2, later(days=2, hours=5), ())),
        # the delay counts from when the step before was taken, not from when it was wanted
        (2, later(days=4), later(days=4), (3, later(days=6), ())),
        (2, later(days=2), later(days=4), (3, later(days=4), ())),
        # after a long pause: as if every step had been taken in time
        (1, later(), later(days=3), (2, later(days=3), ())),
        (1, later(), later(days=4), (3, later(days=4), (2,))),
        (0, None, later(days=30), (3, later(days=30), (1, 2))),
        # the failure counts again where a step says so
        (3, later(days=1), later(days=1), (4, later(days=5), ())),
    ],
)
def test_a_delay_from_the_step_before(
    after: int,
    stepped_at: datetime | None,
    now: datetime,
    expected: tuple[int, datetime, tuple[int, ...]],
) -> None:
    found = planned(*PREVIOUS, after=after, stepped_at=stepped_at, now=now)
    assert (found.position, found.at, found.collapsed) == expected


def test_a_step_after_one_that_moved_keeps_its_distance() -> None:
    """The second waits from Saturday for Monday; the third comes two days after that."""
    steps = (
        Step(1, timedelta(days=4), EMAIL),
        Step(2, timedelta(days=2), EMAIL, DelayFrom.PREVIOUS),
    )
    office = where(window=OFFICE)
    first = planned(*steps, where=office)
    assert (first.position, first.at, first.collapsed) == (1, on(9, 9, 0), ())
    then = planned(*steps, where=office, after=1, stepped_at=first.at, now=first.at)
    assert (then.position, then.at) == (2, on(11, 9, 0))


@pytest.mark.parametrize(
    ("channel", "at"),
    [(EMAIL, on(9, 9, 0)), (RETRY, on(9, 9, 0)), (WEBHOOK, on(7)), (TASK, on(7))],
)
def test_customers_have_nights_and_weekends_and_systems_have_none(
    channel: Channel, at: datetime
) -> None:
    found = planned(Step(1, timedelta(days=4), channel), where=where(window=OFFICE))
    assert (found.wanted_at, found.at) == (on(7), at)


def test_the_window_is_open_in_the_customer_s_day() -> None:
    tokyo = where(zone="Asia/Tokyo", window=OFFICE)
    found = planned(Step(1, timedelta(0), EMAIL), where=tokyo)  # 18:30 in Tokyo
    assert found == Planned(
        position=1,
        at=on(4, 0, 0),
        wanted_at=FAILED_AT,
        moves=(
            Move(
                rule="9:00 to 17:00 on Mon, Tue, Wed, Thu, Fri in Asia/Tokyo",
                source="the merchant's send window",
                was=FAILED_AT,
                at=on(4, 0, 0),
            ),
        ),
        collapsed=(),
    )


def test_a_late_step_goes_when_the_window_opens_next() -> None:
    late = on(14, 12)  # a Saturday
    found = planned(Step(1, timedelta(days=1), EMAIL), where=where(window=OFFICE), now=late)
    assert (found.wanted_at, found.at) == (on(4), on(16, 9, 0))
    assert [(move.was, move.at) for move in found.moves] == [(late, on(16, 9, 0))]


MAIL_AND = Step(1, timedelta(0), EMAIL)


@pytest.mark.parametrize(
    ("country", "decline_code", "delay", "channel", "at"),
    [
        # Sweden is paid on the 25th: Wednesday; the step is wanted at 09:30 UTC
        ("SE", "insufficient_funds", 15, RETRY, on(25)),
        ("SE", "insufficient_funds", 14, RETRY, on(17)),  # eight days before: too long to wait
        ("SE", "insufficient_funds", 22, RETRY, on(25)),  # it is payday
        ("SE", "insufficient_funds", 23, RETRY, on(26)),  # it was
        ("se", "insufficient_funds", 19, EMAIL, on(25)),
        ("SE", "insufficient_funds", 18, EMAIL, on(21)),  # a mail waits three days at most
        # who has no money gets some on payday; who has no valid card doesn't
        ("SE", "expired_card", 15, RETRY, on(18)),
        ("SE", "", 15, RETRY, on(18)),
        # where nobody knows the country, nobody knows the payday
        ("", "insufficient_funds", 15, RETRY, on(18)),
        ("XX", "insufficient_funds", 15, RETRY, on(18)),
        # the merchant's own systems and people don't wait
        ("SE", "insufficient_funds", 15, WEBHOOK, on(18)),
        ("SE", "insufficient_funds", 15, TASK, on(18)),
        # the 15th is a Sunday, so the US is paid on Friday the 13th
        ("US", "insufficient_funds", 4, RETRY, on(13)),
        # the last banking day of November, and of February in a leap year
        ("DE", "insufficient_funds", 20, RETRY, on(30)),
        ("DE", "insufficient_funds", 477, RETRY, datetime(2028, 2, 29, 9, 30, tzinfo=UTC)),
    ],
)
def test_what_waits_for_payday(
    country: str, decline_code: str, delay: int, channel: Channel, at: datetime
) -> None:
    step = Step(2, timedelta(days=delay), channel)
    place = where(country=country, decline_code=decline_code)
    assert planned(MAIL_AND, step, where=place, after=1).at == at


def test_the_first_mail_never_waits_for_payday_but_the_first_charge_does() -> None:
    sweden = where(country="SE")
    failed_at = on(23)
    mails = (Step(1, timedelta(0), EMAIL), Step(2, timedelta(0), EMAIL))
    charges = (Step(1, timedelta(0), RETRY), Step(2, timedelta(0), RETRY))

    assert planned(mails[0], failed_at=failed_at, now=failed_at, where=sweden).at == on(23)
    second = planned(*mails, failed_at=failed_at, now=failed_at, where=sweden, after=1)
    assert second.at == on(25)
    assert planned(charges[0], failed_at=failed_at, now=failed_at, where=sweden).at == on(25)


@pytest.mark.parametrize(
    ("first_mail", "at"),
    [(7, on(25)), (6, on(25)), (5, on(19))],  # the charge is wanted on the 19th, six days before
)
def test_a_silent_charge_waits_for_payday_only_where_that_holds_back_no_first_mail(
    first_mail: int, at: datetime
) -> None:
    charge, mail = Step(1, timedelta(0), RETRY), Step(2, timedelta(days=first_mail), EMAIL)
    found = planned(charge, mail, failed_at=on(19), now=on(19), where=where(country="SE"))

    assert (found.position, found.at) == (1, at)


def test_a_move_to_payday_and_on_into_the_window_is_told_with_rules_and_sources() -> None:
    """Wanted on Thursday at 22:30 in South Africa, paid on Wednesday, sent on Thursday at nine."""
    place = where(zone="Africa/Johannesburg", country="za", window=OFFICE)
    found = planned(Step(1, timedelta(days=16, hours=11), RETRY), where=place)
    assert found.wanted_at == on(19, 20)
    assert [(move.was, move.at) for move in found.moves] == [
        (on(19, 20), on(25, 20)),
        (on(25, 20), on(26, 7, 0)),
    ]
    assert [(move.rule, move.source) for move in found.moves] == [
        (
            "insufficient_funds: the next payday in ZA (25), at most 7 days later",
            PAYDAYS["ZA"].source,
        ),
        (
            "9:00 to 17:00 on Mon, Tue, Wed, Thu, Fri in Africa/Johannesburg",
            "the merchant's send window",
        ),
    ]


def test_charges_that_wait_for_the_same_payday_are_one_charge() -> None:
    steps = [Step(number, timedelta(days=14 + number), RETRY) for number in (1, 2, 3)]
    found = planned(*steps, where=where(country="SE"))
    assert (found.position, found.at, found.collapsed) == (3, on(25), (1, 2))


def test_a_payday_that_is_past_moves_nothing() -> None:
    step = Step(1, timedelta(days=15), RETRY)
    found = planned(step, where=where(country="SE"), now=on(27))
    assert (found.at, found.moves) == (on(27), ())


@pytest.mark.parametrize(
    ("zone", "failed_at", "at"),
    [
        ("America/New_York", "2026-03-06T14:30+00:00", "2026-03-09T13:30+00:00"),
        ("America/New_York", "2026-10-30T13:30+00:00", "2026-11-02T14:30+00:00"),
        ("Australia/Sydney", "2026-10-01T23:30+00:00", "2026-10-04T22:30+00:00"),
        ("Australia/Lord_Howe", "2026-04-02T22:30+00:00", "2026-04-05T23:00+00:00"),
        ("Asia/Kolkata", "2026-03-06T04:00+00:00", "2026-03-09T04:00+00:00"),
    ],
)
def test_three_days_later_it_is_half_past_nine_again(zone: str, failed_at: str, at: str) -> None:
    failed = datetime.fromisoformat(failed_at)
    place = where(zone=zone, window=OFFICE, decline_code="")
    step = Step(1, timedelta(days=3), TASK)
    assert planned(step, failed_at=failed, now=failed, where=place).at == datetime.fromisoformat(
        at
    )


def test_times_may_come_in_any_zone() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    step = Step(2, timedelta(hours=26), EMAIL, DelayFrom.PREVIOUS)
    local = planned(
        step, failed_at=on(3).astimezone(berlin), now=on(3, 11).astimezone(berlin),
        after=1, stepped_at=on(3, 11).astimezone(berlin),
    )  # fmt: skip
    assert local == planned(step, now=on(3, 11), after=1, stepped_at=on(3, 11))
    assert local.at == on(4, 13)


def test_the_rows_use_the_same_words() -> None:
    assert [channel.value for channel in Channel] == campaigns.Channel.values
    assert [delay_from.value for delay_from in DelayFrom] == campaigns.DelayFrom.values
