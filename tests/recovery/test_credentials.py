"""Our own keys: kept as digests, two at a time, ended on time, each for one merchant."""

import hashlib
import re
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from recovery import credentials
from recovery.models import ApiKey, InternalKey
from tests.builders import DASHBOARD, make_merchant

pytestmark = pytest.mark.django_db


def ask(**headers: str) -> Any:
    return Client().get(DASHBOARD, headers=headers)


def test_a_new_key_opens_its_merchants_dashboard() -> None:
    merchant = make_merchant(currency="eur")
    make_merchant("Other", currency="gbp")

    answer = ask(**{"X-Internal-Key": credentials.new_internal_key(merchant=merchant)})

    assert (answer.status_code, answer.json()["currency"]) == (200, "eur")


def test_only_the_digest_of_a_key_is_kept() -> None:
    key = credentials.new_internal_key(merchant=make_merchant())

    row = InternalKey.objects.latest("id")
    assert re.fullmatch(r"rik_[\w-]{43}", key)
    assert row.digest == hashlib.sha256(key.encode()).hexdigest()
    assert (row.hint, str(row)) == (key[-4:], f"…{key[-4:]}")
    assert key not in str(row.__dict__)


def test_two_keys_are_valid_while_one_is_rolled_out() -> None:
    merchant = make_merchant()
    keys = [credentials.new_internal_key(merchant=merchant) for _each in range(2)]

    found = [credentials.internal_key(key, now=timezone.now()) for key in keys]

    assert [key.merchant for key in found if key] == [merchant, merchant]
    assert keys[0] != keys[1]


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
    key = credentials.new_internal_key(merchant=merchant)
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
    key = credentials.new_internal_key(merchant=make_merchant())
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
    key = credentials.new_internal_key(merchant=make_merchant())

    assert Client().get(DASHBOARD, {"X-Internal-Key": key}).status_code == 401


def test_an_api_key_is_a_jwt_with_a_row_that_can_revoke_it() -> None:
    merchant, now = make_merchant(), timezone.now()

    token = credentials.new_api_key(merchant=merchant, name="import", now=now)

    row = ApiKey.objects.get(name="import")
    claims = jwt.decode(token, settings.SECRET_KEY, algorithms=["HS256"], audience="recover-api")
    assert (claims["kid"], claims["token_type"]) == (row.key_id, "api")
    assert abs(claims["exp"] - row.expires_at.timestamp()) < 5
    assert row.expires_at == now + timedelta(days=365)
    assert (str(row), row.merchant, row.revoked_at) == ("import", merchant, None)
    assert ask(**{"X-Internal-Key": token}).status_code == 401
