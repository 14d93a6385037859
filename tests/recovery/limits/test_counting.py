"""Counting requests: windows, identities, and a wait that is true."""

import pytest
from django.core.cache import cache, caches
from django.test import RequestFactory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from recovery.limits.counting import count, count_address, noted
from recovery.limits.usage import REQUESTS, Limit, Usage
from tests.recovery.limits.windows import Clock

NOON = 1_764_158_400


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch, now=NOON)


def ask(identity: str = "api_key:key_1", limit: Limit = Limit.CREDENTIAL) -> Usage:
    usage = count(RequestFactory().get("/"), limit=limit, identity=identity)
    assert usage is not None
    return usage


@pytest.mark.parametrize(("limit", "allowed"), REQUESTS.items())
def test_as_many_pass_as_are_allowed(clock: Clock, limit: Limit, allowed: int) -> None:
    asked = [ask(limit=limit) for _each in range(allowed + 5)]

    assert [usage.remaining for usage in asked] == [*range(allowed - 1, -1, -1), 0, 0, 0, 0, 0]
    assert [usage.is_exceeded for usage in asked] == [False] * allowed + [True] * 5


def test_each_key_and_each_address_is_counted_by_itself(clock: Clock) -> None:
    for _each in range(100):
        ask("api_key:key_1")

    assert ask("api_key:key_1").is_exceeded
    assert ask("api_key:key_2").remaining == 99
    assert ask("api_key:key_1", Limit.ADDRESS).remaining == 59


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(identity=st.text(min_size=1, max_size=40), moment=st.floats(0, 4e9))
def test_after_the_wait_the_next_request_passes_and_before_it_none(
    clock: Clock, identity: str, moment: float
) -> None:
    """Whenever in its window a key is used up, and whenever that window ends."""
    cache.clear()
    clock.now = moment
    wait = [ask(identity) for _each in range(101)][-1].reset
    assert 1 <= wait <= 60

    clock.now = int(moment) + wait - 0.001
    assert ask(identity).is_exceeded
    clock.now = moment + wait
    assert not ask(identity).is_exceeded


def test_a_window_is_a_minute(clock: Clock) -> None:
    clock.now += ask().reset
    asked = []
    for _second in range(61):
        asked.append(ask().remaining)
        clock.now += 1

    assert asked == [*range(99, 39, -1), 99]


def test_the_usage_is_noted_on_the_request(clock: Clock) -> None:
    request = RequestFactory().get("/")
    assert noted(request) is None

    usage = count_address(request)

    assert usage is not None
    assert noted(request) == usage
    assert (usage.limit, usage.remaining) == (60, 59)


@pytest.mark.parametrize(("proxies", "remaining"), [(0, 58), (1, 59)])
def test_an_address_is_the_one_behind_the_proxies_that_are_trusted(
    clock: Clock, settings: Settings, proxies: int, remaining: int
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    for client in ("198.51.100.7", "198.51.100.8"):
        usage = count_address(RequestFactory().get("/", headers={"X-Forwarded-For": client}))

    assert usage is not None
    assert usage.remaining == remaining


def test_limits_that_are_switched_off_count_nothing(settings: Settings) -> None:
    settings.RATELIMIT_ENABLE = False
    request = RequestFactory().get("/")

    assert count_address(request) is None
    assert noted(request) is None


@pytest.mark.parametrize(("losses", "remaining"), [(1, 59), (2, None)])
def test_a_counter_that_ends_while_it_is_counted_is_begun_anew(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, losses: int, remaining: int | None
) -> None:
    """Redis forgot it between the two commands; twice in a row, the request passes."""
    added = iter([False] * losses + [True])
    monkeypatch.setattr(caches["limits"], "add", lambda *_: next(added))

    usage = count_address(RequestFactory().get("/"))

    assert (usage.remaining if usage else None) == remaining
