"""When a key was last used is known to the minute, and never at a request's expense."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from recovery import credentials
from recovery.credentials.use import note_use
from recovery.models import ApiKey, InternalKey, Merchant
from tests.builders import make_merchant
from tests.threads import WAITS, in_thread

MINUTE = timedelta(minutes=1)
NOW = timezone.now()


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


@pytest.fixture
def key(merchant: Merchant) -> str:
    return credentials.new_internal_key(merchant=merchant, now=NOW)


def use(key: str, *, after: timedelta = timedelta(0)) -> InternalKey:
    row = credentials.internal_key(key, now=NOW + after)
    assert row is not None
    return row


@pytest.mark.django_db
def test_the_first_use_of_a_minute_is_noted(key: str) -> None:
    assert use(key).last_used_at == NOW

    use(key, after=MINUTE - timedelta(microseconds=1))
    assert InternalKey.objects.latest("id").last_used_at == NOW

    use(key, after=MINUTE)
    assert InternalKey.objects.latest("id").last_used_at == NOW + MINUTE


@pytest.mark.django_db
def test_within_a_minute_nothing_is_written(
    key: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    use(key)

    with django_assert_num_queries(1):
        use(key, after=MINUTE / 2)


@pytest.mark.django_db
def test_what_is_refused_was_not_used(merchant: Merchant) -> None:
    api_key = credentials.new_api_key(merchant=merchant, name="x", now=NOW)
    row = ApiKey.objects.latest("id")
    credentials.revoke_api_key(key=row, now=NOW)

    assert credentials.api_key(api_key, now=NOW) is None
    row.refresh_from_db()
    assert row.last_used_at is None


@pytest.mark.django_db
def test_a_use_that_cannot_be_written_opens_all_the_same(
    key: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_args: Any, **_options: Any) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(InternalKey, "save", full)

    with caplog.at_level(logging.WARNING):
        row = use(key)

    assert caplog.messages == [f"The use of InternalKey {row.pk} was not noted."]
    assert InternalKey.objects.get(pk=row.pk).last_used_at is None


@pytest.mark.django_db
def test_of_two_who_saw_the_key_unused_one_notes_it(key: str) -> None:
    seen = InternalKey.objects.latest("id")
    use(key)

    note_use(seen, now=NOW + timedelta(seconds=5))

    assert InternalKey.objects.latest("id").last_used_at == NOW


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_a_row_that_another_writes(key: str) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time.")
    with transaction.atomic():
        InternalKey.objects.select_for_update(no_key=True).latest("id")
        other = in_thread(lambda: use(key))
        other.join(WAITS)
        assert not other.is_alive()

    assert InternalKey.objects.latest("id").last_used_at is None
