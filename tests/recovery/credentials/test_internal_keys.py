"""Internal keys: kept as digests, two at a time, ended on time, each for one merchant."""

import hashlib
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from recovery import credentials
from recovery.models import InternalKey, Merchant
from tests.builders import DASHBOARD, make_merchant

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def ask(**headers: str) -> Any:
    return Client().get(DASHBOARD, headers=headers)


def test_a_new_key_opens_its_merchants_dashboard() -> None:
    merchant = make_merchant(currency="eur")
    make_merchant("Other", currency="gbp")

    answer = ask(
        **{"X-Internal-Key": credentials.new_internal_key(merchant=merchant, now=timezone.now())}
    )

    assert (answer.status_code, answer.json()["currency"]) == (200, "eur")


def test_only_the_digest_of_a_key_is_kept() -> None:
    key = credentials.new_internal_key(merchant=make_merchant(), now=timezone.now())

    row = InternalKey.objects.latest("id")
    assert re.fullmatch(r"rik_[\w-]{43}", key)
    assert row.digest == hashlib.sha256(key.encode()).hexdigest()
    assert (row.hint, str(row)) == (key[-4:], f"…{key[-4:]}")
    assert key not in str(row.__dict__)


# --- one replaces another ---------------------------------------------------------------------


def rotate(merchant: Merchant, *, now: datetime, overlap: timedelta = DAY) -> str:
    return credentials.new_internal_key(merchant=merchant, now=now, overlap=overlap)


def valid(*keys: str, now: datetime) -> list[bool]:
    return [credentials.internal_key(key, now=now) is not None for key in keys]


def test_two_keys_are_valid_while_one_is_rolled_out_and_never_three() -> None:
    merchant, now = make_merchant(), timezone.now()
    first, second = rotate(merchant, now=now), rotate(merchant, now=now)
    assert first != second
    assert valid(first, second, now=now) == [True, True]

    third = rotate(merchant, now=now + timedelta(hours=1))

    assert valid(first, second, third, now=now + timedelta(hours=1)) == [False, True, True]


def test_a_key_that_was_replaced_ends_after_the_overlap() -> None:
    merchant, now = make_merchant(), timezone.now()
    old = rotate(merchant, now=now)
    new = rotate(merchant, now=now)

    assert valid(old, new, now=now + DAY - timedelta(seconds=1)) == [True, True]
    assert valid(old, new, now=now + DAY) == [False, True]
    assert valid(new, now=now + 10 * 365 * DAY) == [True]


def test_a_leaked_key_ends_at_once() -> None:
    merchant, now = make_merchant(), timezone.now()
    leaked = rotate(merchant, now=now)

    new = rotate(merchant, now=now, overlap=timedelta(0))

    assert valid(leaked, new, now=now) == [False, True]


def test_the_key_of_another_merchant_stays_as_it_is() -> None:
    now = timezone.now()
    theirs = rotate(make_merchant("Other"), now=now)

    rotate(make_merchant(), now=now, overlap=timedelta(0))

    assert valid(theirs, now=now) == [True]


def test_the_database_holds_no_second_key_without_an_end() -> None:
    merchant = make_merchant()

    with pytest.raises(IntegrityError, match=r"one_internal_key_without_an_end|merchant_id"):
        InternalKey.objects.create(merchant=merchant, digest="x", hint="x")


def test_a_revoked_key_opens_nothing_from_the_next_request_on() -> None:
    merchant, now = make_merchant(), timezone.now()
    key = rotate(merchant, now=now)
    row = InternalKey.objects.of(merchant).latest("id")
    assert ask(**{"X-Internal-Key": key}).status_code == 200

    credentials.revoke_internal_key(key=row, now=now)

    assert ask(**{"X-Internal-Key": key}).status_code == 401
    credentials.revoke_internal_key(key=row, now=now + DAY)
    row.refresh_from_db()
    assert row.expires_at == now


# --- what opens nothing -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ends_in", "is_valid"),
    [
        (None, True),
        (timedelta(microseconds=1), True),
        (timedelta(0), False),
        (timedelta(days=-1), False),
    ],
)
def test_a_key_ends_at_its_moment(ends_in: timedelta | None, is_valid: bool) -> None:
    merchant, now = make_merchant(), timezone.now()
    key = credentials.new_internal_key(merchant=merchant, now=timezone.now())
    ends_at = None if ends_in is None else now + ends_in
    InternalKey.objects.filter(digest=credentials.digest(key)).update(expires_at=ends_at)

    found = credentials.internal_key(key, now=now)

    assert (found and found.merchant) == (merchant if is_valid else None)


@pytest.mark.parametrize(
    "key", ["x", "rik_", "é", "\x7f", "a" * 10_000, "' OR 1=1 --", "None", " "]
)
def test_an_unknown_key_is_a_401_that_says_what_is_asked_for(key: str) -> None:
    make_merchant()

    answer = ask(**{"X-Internal-Key": key})

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'X-Internal-Key realm="recover"'
    assert answer.json()["error"] == {
        "code": "authentication_failed",
        "message": "This internal key is unknown or has ended.",
        "fields": {},
    }


def test_the_digest_of_a_key_is_no_key() -> None:
    make_merchant()

    assert ask(**{"X-Internal-Key": InternalKey.objects.latest("id").digest}).status_code == 401


def test_a_key_that_has_ended_is_refused_like_one_that_never_was() -> None:
    key = credentials.new_internal_key(merchant=make_merchant(), now=timezone.now())
    InternalKey.objects.update(expires_at=timezone.now())

    ended, unknown = ask(**{"X-Internal-Key": key}), ask(**{"X-Internal-Key": "rik_x"})

    assert (ended.status_code, ended.content) == (unknown.status_code, unknown.content)


@pytest.mark.parametrize(
    "headers", [{}, {"X-Internal-Key": ""}, {"Authorization": "Bearer x"}, {"Cookie": "key=x"}]
)
def test_without_a_key_nothing_is_shown(headers: dict[str, str]) -> None:
    make_merchant()

    answer = ask(**headers)

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "not_authenticated"


def test_a_key_in_the_address_is_no_key() -> None:
    key = credentials.new_internal_key(merchant=make_merchant(), now=timezone.now())

    assert Client().get(DASHBOARD, {"X-Internal-Key": key}).status_code == 401
