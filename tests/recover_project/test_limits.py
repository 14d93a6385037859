"""The limit of what anybody may ask for, through all of the middleware."""

import json
import logging
from typing import Any

import pytest
from django.test import Client
from redis.exceptions import ConnectionError as NoRedisError

from recover_project import limits
from recovery.errors import TOO_MANY
from recovery.limits import counting
from recovery.limits.outage import Outage
from tests.builders import DASHBOARD, DOCUMENTED_EXAMPLE, WEBHOOK, event, make_merchant, post
from tests.recovery.limits.windows import Clock

pytestmark = pytest.mark.django_db
PAGE = "/fourthngoal/recover/update"
UNSUBSCRIBE = "/fourthngoal/recover/unsubscribe"
LOGIN = "/admin/account/login/"
NOON = 1_764_158_400


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch, now=NOON)


def ask(path: str = PAGE, **how: Any) -> Any:
    return Client(raise_request_exception=False).get(path, **how)


def use_up(path: str = PAGE) -> None:
    assert 429 not in [ask(path).status_code for _each in range(60)]


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}/return", UNSUBSCRIBE, LOGIN])
def test_an_address_may_ask_sixty_times_a_minute(path: str, clock: Clock) -> None:
    use_up(path)

    refused = ask(path)
    assert refused.status_code == 429
    assert refused["Retry-After"] == refused["RateLimit-Reset"]
    clock.now += int(refused["Retry-After"])
    assert ask(path).status_code != 429


def test_all_that_is_public_is_one_limit_for_each_address() -> None:
    use_up()

    assert ask(f"{PAGE}/return").status_code == 429
    assert ask(UNSUBSCRIBE).status_code == 429
    assert Client().post(PAGE).status_code == 429
    assert ask(REMOTE_ADDR="192.0.2.2").status_code == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [(PAGE, 400), (f"{PAGE}/replace", 405), (f"{PAGE}?a=%00", 400), (LOGIN, 200)],
)
def test_every_answer_says_how_much_is_left_errors_too(path: str, status: int) -> None:
    answer = ask(path)

    assert (answer.status_code, answer["RateLimit-Limit"]) == (status, "60")
    assert answer["RateLimit-Remaining"] == "59"
    assert 1 <= int(answer["RateLimit-Reset"]) <= 60


def test_an_answer_that_could_not_be_made_says_it_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("billing_portal.views.links.find", None)

    answer = ask()

    assert (answer.status_code, answer["RateLimit-Remaining"]) == (500, "59")


def test_a_person_reads_it_on_a_page_as_safe_as_any() -> None:
    safe = ask(REMOTE_ADDR="192.0.2.2")
    use_up()

    refused = ask()

    assert refused["Content-Type"].startswith("text/")
    for name in ("X-Frame-Options", "X-Content-Type-Options", "Cache-Control"):
        assert refused[name] == safe[name]
    assert "default-src 'none'" in refused["Content-Security-Policy"]


def test_a_client_reads_it_in_the_shape_of_every_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "is_public", lambda _name: True)
    use_up()

    refused = ask(DASHBOARD)

    assert refused.status_code == 429
    assert refused.json() == {"error": {"code": "rate_limited", "message": TOO_MANY, "fields": {}}}


def test_above_the_limit_no_body_is_read() -> None:
    form = {"token": "x" * 2 * 1024 * 1024}
    assert Client().post(PAGE, form).status_code == 400
    use_up_rest = [ask().status_code for _each in range(59)]
    assert 429 not in use_up_rest

    assert Client().post(PAGE, form).status_code == 429


def test_what_is_refused_before_a_key_is_looked_at_counts_as_well() -> None:
    answers = [ask(f"{DASHBOARD}?x=%00") for _each in range(61)]

    assert [answer.status_code for answer in answers] == [400] * 60 + [429]
    assert answers[0]["RateLimit-Remaining"] == "59"
    assert answers[-1]["Retry-After"] == answers[-1]["RateLimit-Reset"]


def test_webhooks_are_not_limited() -> None:
    merchant = make_merchant()
    answers = [
        post(event("invoice.paid", DOCUMENTED_EXAMPLE["data"]["object"]), merchant=merchant)
        for _each in range(101)
    ]

    answers += [Client().post(f"{WEBHOOK}?m=%00") for _each in range(61)]

    assert {answer.status_code for answer in answers} == {200, 400}
    assert not any("RateLimit-Limit" in answer for answer in answers)
    refused = [
        Client().post(WEBHOOK, json.dumps({}), content_type="application/json").status_code
        for _each in range(61)
    ]
    assert set(refused) == {400}


@pytest.mark.parametrize("path", ["/admin/", "/nowhere", "/fourthngoal/recover/nowhere"])
def test_what_is_not_limited_says_nothing_of_a_limit(path: str) -> None:
    answers = [ask(path) for _each in range(61)]

    assert 429 not in [answer.status_code for answer in answers]
    assert "RateLimit-Limit" not in answers[0]


def test_while_the_store_fails_pages_are_shown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise NoRedisError("Connection refused.")

    monkeypatch.setattr(counting, "get_usage", fail)
    monkeypatch.setattr(counting, "_outage", Outage())

    answers = [ask() for _each in range(61)]

    assert {answer.status_code for answer in answers} == {400}
    assert "RateLimit-Limit" not in answers[0]
    failures = [each for each in caplog.records if each.name == "recovery.limits.counting"]
    assert [each.levelno for each in failures] == [logging.WARNING]
