"""What is so of any campaign, anywhere, whenever it is planned."""

from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from dunning.timing.schedule import Channel, DelayFrom, Step, Where, Window, plan_next

HELD_BY_WINDOW = {Channel.EMAIL, Channel.RETRY}


@st.composite
def campaign_steps(draw: st.DrawFn) -> list[Step]:
    length = draw(st.integers(1, 7))
    return [
        Step(
            number,
            timedelta(days=draw(st.integers(0, 40)), seconds=draw(st.integers(0, 86_399))),
            draw(st.sampled_from(Channel)),
            draw(st.sampled_from(DelayFrom)),
        )
        for number in range(1, length + 1)
    ]


@st.composite
def places(draw: st.DrawFn) -> Where:
    from_hour = draw(st.integers(0, 23))
    zones = "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Antarctica/Troll", "UTC"
    return Where(
        zone=ZoneInfo(draw(st.sampled_from(zones))),
        country=draw(st.sampled_from(["", "US", "SE", "DE", "SI", "SA", "BR", "RU", "NZ"])),
        window=Window(
            from_hour,
            draw(st.integers(from_hour + 1, 24)),
            draw(st.frozensets(st.integers(1, 7), min_size=1)),
        ),
        decline_code=draw(st.sampled_from(["insufficient_funds", "do_not_honor"])),
    )


SECONDS = st.integers(0, 90 * 86_400).map(lambda seconds: timedelta(seconds=seconds))
FAILURES = st.integers(0, 4 * 365 * 86_400).map(
    lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@given(
    steps=campaign_steps(), place=places(), failed_at=FAILURES, late=SECONDS,
    shares=st.lists(st.floats(0, 1), min_size=7, max_size=7),
)  # fmt: skip
def test_from_beginning_to_end_of_any_campaign(
    steps: list[Step],
    place: Where,
    failed_at: datetime,
    late: timedelta,
    shares: list[float],
) -> None:
    """Each step is in its window, never before it is wanted or before now, and the same however
    often it is planned until then; each position is taken or left out, once, in order."""
    now, stepped_at, after, done = failed_at + late, None, 0, list[int]()
    for share in shares:
        plan = partial(
            plan_next, steps, failed_at=failed_at, stepped_at=stepped_at, where=place, after=after
        )
        found = plan(now=now)
        if found is None:
            break
        assert found.at >= max(now, found.wanted_at)
        if steps[found.position - 1].channel in HELD_BY_WINDOW:
            shown = found.at.astimezone(place.zone)
            assert place.window.from_hour <= shown.hour < place.window.until_hour
            assert shown.isoweekday() in place.window.weekdays

        again = plan(now=now + (found.at - now) * share)
        assert again
        assert (again.position, again.at, again.wanted_at) == (
            found.position, found.at, found.wanted_at,
        )  # fmt: skip
        assert again.collapsed == found.collapsed

        assert all(move.at > move.was for move in found.moves)
        done += [*found.collapsed, found.position]
        now = stepped_at = found.at
        after = found.position

    assert sorted(done) == [step.position for step in steps]
    assert after == len(steps)


@given(steps=campaign_steps(), place=places(), failed_at=FAILURES, late=SECONDS)
def test_nobody_gets_two_of_one_channel_at_the_same_moment(
    steps: list[Step], place: Where, failed_at: datetime, late: timedelta
) -> None:
    from_failure = [Step(step.position, step.delay, step.channel) for step in steps]
    now, after, taken = failed_at + late, 0, list[tuple[Channel, datetime]]()
    while found := plan_next(
        from_failure, failed_at=failed_at, stepped_at=None, now=now, where=place, after=after
    ):
        taken.append((from_failure[found.position - 1].channel, found.at))
        now, after = found.at, found.position
    assert len(taken) == len(set(taken))
