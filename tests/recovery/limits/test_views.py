"""The JSON API's limit: by key, and by address for whoever shows no good one."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from recovery import credentials
from recovery.errors import TOO_MANY
from tests.builders import DASHBOARD, make_merchant
from tests.recovery.limits.windows import Clock

pytestmark = pytest.mark.django_db
DEFINITIONS = "/fourthngoal/recover/metrics/definitions"
NOON = 1_764_158_400
BAD = {"X-Internal-Key": "rik_made_up"}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch, now=NOON)


@pytest.fixture
def key() -> dict[str, str]:
    return {
        "X-Internal-Key": credentials.new_internal_key(
            merchant=make_merchant(), now=timezone.now()
        )
    }


def ask(headers: dict[str, str], path: str = DEFINITIONS, **how: Any) -> Any:
    return Client().get(path, headers=headers, **how)


def statuses(headers: dict[str, str], times: int, **how: Any) -> list[int]:
    return [ask(headers, **how).status_code for _each in range(times)]


def test_every_answer_says_how_much_is_left(key: dict[str, str]) -> None:
    for answer, remaining in ((ask(key), 99), (ask(key, f"{DASHBOARD}?limit=x"), 98)):
        assert (answer["RateLimit-Limit"], answer["RateLimit-Remaining"]) == (
            "100",
            str(remaining),
        )
        assert 1 <= int(answer["RateLimit-Reset"]) <= 60
        assert "Retry-After" not in answer


def test_a_key_may_ask_a_hundred_times_a_minute_over_all_endpoints(
    key: dict[str, str], clock: Clock
) -> None:
    assert statuses(key, 60) + statuses(key, 40, path=DASHBOARD) == [200] * 100

    refused = ask(key)
    assert refused.status_code == 429
    assert refused.json() == {"error": {"code": "rate_limited", "message": TOO_MANY, "fields": {}}}
    assert refused["Retry-After"] == refused["RateLimit-Reset"]
    assert refused["RateLimit-Remaining"] == "0"

    clock.now += int(refused["Retry-After"])
    assert ask(key).status_code == 200


def test_no_key_pays_for_another_at_the_same_address(key: dict[str, str]) -> None:
    other = {
        "X-Internal-Key": credentials.new_internal_key(
            merchant=make_merchant("Other"), now=timezone.now()
        )
    }
    statuses(key, 101)

    assert ask(other)["RateLimit-Remaining"] == "99"


def test_a_key_is_counted_wherever_it_is_shown_from(key: dict[str, str]) -> None:
    statuses(key, 100, REMOTE_ADDR="192.0.2.1")

    assert ask(key, REMOTE_ADDR="192.0.2.2").status_code == 429


@pytest.mark.parametrize("headers", [BAD, {}])
def test_asking_without_a_good_key_is_limited_by_address(
    headers: dict[str, str], clock: Clock
) -> None:
    assert statuses(headers, 60) == [401] * 60

    refused = ask(headers)
    assert (refused.status_code, refused["RateLimit-Limit"]) == (429, "60")
    assert ask(headers, REMOTE_ADDR="192.0.2.2").status_code == 401
    clock.now += int(refused["Retry-After"])
    assert ask(headers).status_code == 401


def test_a_good_key_does_not_pay_for_bad_ones_at_its_address(key: dict[str, str]) -> None:
    statuses(BAD, 61)

    assert ask(key)["RateLimit-Remaining"] == "99"


def test_what_is_refused_before_anybody_is_known_is_counted_as_well(key: dict[str, str]) -> None:
    asks_twice = {**key, "Authorization": "Bearer x"}
    assert statuses(asks_twice, 60) == [400] * 60

    assert ask(asks_twice).status_code == 429
    assert ask(key).status_code == 200


def test_a_method_that_there_is_not_is_counted_for_the_key(key: dict[str, str]) -> None:
    answer = Client().post(DEFINITIONS, headers=key)

    assert (answer.status_code, answer["RateLimit-Remaining"]) == (405, "99")
