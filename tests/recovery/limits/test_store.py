"""Counting in a real Redis: exact however many ask at once, and no harm when it is gone."""

import logging
import signal
import uuid
from functools import partial

import pytest
from django.core.cache import caches
from django.test import RequestFactory
from pytest_django import Settings

from recovery.limits import counting, store
from recovery.limits.counting import count
from recovery.limits.outage import Outage
from recovery.limits.usage import Limit, Usage
from tests.recovery.limits.windows import Clock
from tests.redis_server import RedisServer
from tests.threads import at_once

NOON = 1_764_158_400


def ask(identity: str = "api_key:key_1") -> Usage | None:
    return count(RequestFactory().get("/"), limit=Limit.CREDENTIAL, identity=identity)


def count_in(
    settings: Settings, url: str, alias: str = "limits", cache: str = "CountingCache"
) -> None:
    settings.CACHES = settings.CACHES | {
        alias: {
            "BACKEND": f"recovery.limits.store.{cache}",
            "LOCATION": url,
            "KEY_PREFIX": uuid.uuid4().hex,  # the Redis may be somebody's
            "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
        }
    }


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(counting, "_outage", Outage())
    clock = Clock(monkeypatch, now=NOON)
    monkeypatch.setattr(counting, "monotonic", lambda: clock.now)
    return clock


def test_of_five_hundred_requests_at_once_exactly_a_hundred_pass(
    settings: Settings, redis_url: str, clock: Clock
) -> None:
    count_in(settings, redis_url)
    asked: list[Usage | None] = []

    at_once(*[partial(_ask_often, asked, times=25) for _each in range(20)])

    counted = [usage for usage in asked if usage]
    assert len(counted) == 500
    assert [usage.is_exceeded for usage in counted].count(False) == 100
    remaining = sorted(usage.remaining for usage in counted if not usage.is_exceeded)
    assert remaining == list(range(100))


def _ask_often(asked: list[Usage | None], *, times: int) -> None:
    asked.extend(ask() for _each in range(times))


def test_a_new_window_begins_with_nothing_counted(
    settings: Settings, redis_url: str, clock: Clock
) -> None:
    count_in(settings, redis_url)
    refused = [ask() for _each in range(101)][-1]
    assert refused
    assert refused.is_exceeded

    clock.now += refused.reset
    after = ask()

    assert after
    assert after.remaining == 99


def test_a_counter_ends_however_often_it_is_counted_up(settings: Settings, redis_url: str) -> None:
    count_in(settings, redis_url)
    cache = caches["limits"]
    cache.add("counter", 1, 65)

    assert [cache.incr("counter"), cache.incr("counter", 5)] == [2, 7]
    client = cache._cache.get_client()  # type: ignore[attr-defined]
    assert 0 < client.ttl(cache.make_key("counter")) <= 65


def test_a_counter_that_has_ended_does_not_come_back_without_an_end(
    settings: Settings, redis_url: str
) -> None:
    count_in(settings, redis_url)

    cache = caches["limits"]
    with pytest.raises(ValueError, match="There is no key"):
        cache.incr("counter")

    assert cache.get("counter") is None


def test_without_redis_requests_pass_and_one_line_a_minute_says_so(
    settings: Settings, redis_server: RedisServer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    count_in(settings, redis_server.url)
    assert ask()

    redis_server.stop()
    for seconds in range(0, 120, 6):
        clock.now = NOON + seconds
        assert [ask(), ask()] == [None, None]

    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert "Requests pass uncounted" in caplog.text


def test_a_redis_that_is_back_counts_again(
    settings: Settings, redis_server: RedisServer, clock: Clock
) -> None:
    count_in(settings, redis_server.url)
    redis_server.stop()
    assert ask() is None

    redis_server.start()
    assert ask() is None  # it is left alone for a moment
    clock.now += 5
    asked = [ask() for _each in range(101)]

    assert [usage.is_exceeded for usage in asked if usage] == [False] * 100 + [True]


def test_a_redis_that_hangs_is_waited_for_once(
    settings: Settings, redis_server: RedisServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    count_in(settings, redis_server.url)
    assert redis_server.process
    redis_server.process.send_signal(signal.SIGSTOP)
    try:
        assert ask() is None
        monkeypatch.setattr(counting, "get_usage", None)  # nobody asks the store
        assert [ask() for _each in range(50)] == [None] * 50
    finally:
        redis_server.process.send_signal(signal.SIGCONT)


def test_without_redis_each_process_counts_guesses_by_itself_and_says_so_once_a_minute(
    settings: Settings, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr(store, "_outage", Outage())
    count_in(settings, redis_server.url, "default", "GuessesCache")
    guesses = caches["default"]
    guesses.set("wrong_passwords", [1.5], 300)
    assert guesses.get("wrong_passwords") == [1.5]

    redis_server.stop()

    assert guesses.get("wrong_passwords", []) == []
    guesses.set("wrong_passwords", [2.5], 300)
    assert guesses.get("wrong_passwords") == [2.5]
    assert [guesses.add("code", "y", 30), guesses.add("code", "y", 30)] == [True, False]
    assert guesses.delete("code")
    assert guesses.add("code", "y", 30)
    told = [each.message for each in caplog.records if each.name == "recovery.limits.store"]
    assert [line.split(":")[0] for line in told] == ["Each process counts guesses by itself"]
