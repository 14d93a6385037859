"""What ended is kept a month, then forgotten."""

from datetime import timedelta

import pytest
from django.utils import timezone

from recovery import credentials
from recovery.models import ApiKey, FailedLogins, InternalKey, TokenFamily
from recovery.tasks import forget_ended_credentials
from tests.builders import make_merchant
from tests.recovery.credentials.cast import log_in, member, pair

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
NOW = timezone.now()


def left() -> list[int]:
    kept = (ApiKey, InternalKey, TokenFamily, FailedLogins)
    return [model.objects.count() for model in kept]


def test_what_is_valid_is_kept() -> None:
    member(make_merchant())
    pair()

    forget_ended_credentials()

    assert left() == [1, 1, 1, 1]


def test_what_ended_is_kept_for_thirty_days_and_then_forgotten() -> None:
    member(make_merchant())
    pair()
    for model in (ApiKey, InternalKey, TokenFamily):
        model.objects.update(expires_at=NOW)

    credentials.forget_ended(now=NOW + 30 * DAY - timedelta(seconds=1))
    assert left()[:3] == [1, 1, 1]

    credentials.forget_ended(now=NOW + 30 * DAY)
    assert left()[:3] == [0, 0, 0]


def test_what_was_revoked_is_kept_as_long() -> None:
    member(make_merchant())
    pair()
    ApiKey.objects.update(revoked_at=NOW, expires_at=NOW + 999 * DAY)
    TokenFamily.objects.update(revoked_at=NOW, revoked_reason="reused", expires_at=NOW + 999 * DAY)

    credentials.forget_ended(now=NOW + 30 * DAY - timedelta(seconds=1))
    assert left()[:3] == [1, 1, 1]

    credentials.forget_ended(now=NOW + 30 * DAY)
    assert left()[:3] == [0, 1, 0]


def test_failed_logins_are_counted_for_a_quarter_of_an_hour() -> None:
    log_in(password="wrong")
    FailedLogins.objects.update(began_at=NOW)

    credentials.forget_ended(now=NOW + timedelta(minutes=14))
    assert left()[3] == 1

    credentials.forget_ended(now=NOW + timedelta(minutes=15))
    assert left()[3] == 0
