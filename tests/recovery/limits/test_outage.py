"""What one process does about a store that fails, second by second."""

from recovery.limits.outage import LEAVES_ALONE, SAYS_AGAIN, Outage
from tests.threads import at_once


def test_nothing_has_failed_yet() -> None:
    assert Outage().is_on(now=0) is False


def test_a_store_that_failed_is_left_alone_for_five_seconds() -> None:
    outage = Outage()
    outage.failed(now=100)

    assert LEAVES_ALONE == 5
    assert [outage.is_on(now=now) for now in (100, 104.9, 105)] == [True, True, False]


def test_it_is_said_once_a_minute() -> None:
    outage = Outage()

    assert SAYS_AGAIN == 60
    assert [outage.failed(now=now) for now in (100, 105, 159.9, 160, 165, 220)] == [
        True, False, False, True, False, True,
    ]  # fmt: skip


def test_requests_that_find_it_failing_at_once_say_it_once() -> None:
    outage, said = Outage(), []

    at_once(*[lambda: said.append(outage.failed(now=100)) for _each in range(16)])

    assert sorted(said) == [False] * 15 + [True]
