"""Ten failed logins in a row, then none for the rest of a quarter of an hour."""

import logging
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from recovery import credentials
from recovery.credentials import failed_logins
from recovery.models import FailedLogins, TokenFamily
from tests.builders import make_merchant
from tests.recovery.credentials.cast import EMAIL, PASSWORD, log_in, member

pytestmark = pytest.mark.django_db
QUARTER = timedelta(minutes=15)
NOW = timezone.now()


def attempt(password: str = "wrong", *, email: str = EMAIL, now: datetime = NOW) -> str:
    try:
        credentials.log_in(email=email, password=password, merchant_id="", now=now)
    except credentials.LoginRefusedError:
        return "refused"
    except credentials.TooManyFailedLoginsError as error:
        return "locked" if error.ends_at == NOW + QUARTER else str(error)
    return "in"


def fail(times: int, *, email: str = EMAIL, now: datetime = NOW) -> None:
    assert [attempt(email=email, now=now) for _each in range(times)] == ["refused"] * times


def test_the_tenth_failure_locks_the_right_password_out() -> None:
    member(make_merchant())
    fail(10)

    assert attempt(PASSWORD) == "locked"
    assert attempt(PASSWORD, email=" JO@Example.com ") == "locked"
    assert TokenFamily.objects.count() == 0


def test_the_ninth_does_not() -> None:
    member(make_merchant())
    fail(9)

    assert attempt(PASSWORD) == "in"


def test_a_success_is_a_new_beginning() -> None:
    member(make_merchant())
    fail(9)
    attempt(PASSWORD)

    fail(10)

    assert attempt(PASSWORD) == "locked"


def test_a_quarter_of_an_hour_after_the_first_failure_it_is_open_again() -> None:
    member(make_merchant())
    fail(1)
    fail(9, now=NOW + timedelta(minutes=10))

    assert attempt(PASSWORD, now=NOW + QUARTER - timedelta(microseconds=1)) == "locked"
    assert attempt(PASSWORD, now=NOW + QUARTER) == "in"


def test_tries_while_it_is_locked_make_it_no_longer() -> None:
    member(make_merchant())
    fail(10)
    for _each in range(20):
        assert attempt(now=NOW + timedelta(minutes=14)) == "locked"

    assert attempt(PASSWORD, now=NOW + QUARTER) == "in"


def test_nobody_learns_from_it_who_has_an_account() -> None:
    fail(10, email="nobody@example.com")

    assert attempt(email="nobody@example.com") == "locked"


def test_another_address_is_not_locked() -> None:
    member(make_merchant(), email="al@example.com")
    fail(10)

    assert attempt(PASSWORD, email="al@example.com") == "in"


def test_no_address_is_kept_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        fail(1)

    row = FailedLogins.objects.get()
    assert row.address_digest == failed_logins.address_digest(EMAIL)
    assert caplog.messages == [f"A login failed, for address {row.address_digest[:8]}…."]
    assert str(row) == f"{row.address_digest[:8]}…: 1"
    assert "jo" not in caplog.text


def test_the_answer_says_when_the_next_login_may_be() -> None:
    member(make_merchant())
    for _each in range(10):
        assert log_in(password="wrong").status_code == 401
    began_at = timezone.now() - timedelta(minutes=14)
    FailedLogins.objects.update(began_at=began_at)

    answer = log_in()

    assert answer.status_code == 429
    assert 50 <= int(answer["Retry-After"]) <= 60
    assert answer.json()["error"]["code"] == "rate_limited"
    FailedLogins.objects.update(began_at=began_at - timedelta(minutes=1))
    assert log_in().status_code == 200
