"""API keys: for one merchant, with a scope and an end; the row decides, and revokes at once."""

from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from django.db import IntegrityError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from recovery import credentials
from recovery.credentials import api_keys
from recovery.credentials.tokens import ApiToken
from recovery.models import ApiKey, Merchant
from recovery.scopes import EVERYTHING, ONLY_READING, Scope
from tests.builders import make_merchant
from tests.recovery.credentials.cast import opens

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def merchant() -> Merchant:
    merchant = make_merchant()
    ApiKey.objects.all().delete()
    return merchant


def make(merchant: Merchant, **about: Any) -> str:
    given: dict[str, Any] = {"name": "nightly import", "now": timezone.now()} | about
    return credentials.new_api_key(merchant=merchant, **given)


def claims(key: str) -> dict[str, Any]:
    told: dict[str, Any] = jwt.decode(key, options={"verify_signature": False})
    return told


def found(key: str, *, now: datetime | None = None) -> ApiKey | None:
    return credentials.api_key(key, now=now or timezone.now())


def test_a_key_says_whose_it_is_what_it_may_do_and_until_when(merchant: Merchant) -> None:
    now = timezone.now()

    told = claims(make(merchant, now=now))

    row = ApiKey.objects.get()
    assert told.pop("jti")
    assert told == {
        "aud": "recover-api", "token_type": "api", "kid": row.key_id,
        "merchant": merchant.public_id, "scopes": "read write", "iat": int(now.timestamp()),
        "exp": int((now + 365 * DAY).timestamp()),
    }  # fmt: skip
    assert (str(row), row.merchant, row.expires_at) == (
        "nightly import", merchant, now + 365 * DAY,
    )  # fmt: skip
    assert (row.revoked_at, row.last_used_at) == (None, None)


@pytest.mark.parametrize("scopes", [ONLY_READING, EVERYTHING])
def test_a_key_has_the_scopes_that_it_was_made_with(
    merchant: Merchant, scopes: frozenset[Scope]
) -> None:
    row = found(make(merchant, scopes=scopes))

    assert row is not None
    assert row.granted == scopes


@pytest.mark.parametrize(
    ("about", "field"),
    [
        ({"lifetime": DAY - timedelta(seconds=1)}, "lifetime"),
        ({"lifetime": 1827 * DAY}, "lifetime"),
        ({"lifetime": timedelta.max}, "lifetime"),
        ({"scopes": frozenset({Scope.WRITE})}, "scopes"),
        ({"scopes": frozenset()}, "scopes"),
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "line\nbreak"}, "name"),
        ({"name": "nul\x00"}, "name"),
        ({"name": "for jo@example.com"}, "name"),
    ],
)
def test_a_key_that_cannot_be_is_not_made(
    merchant: Merchant, about: dict[str, Any], field: str
) -> None:
    with pytest.raises(credentials.InvalidKeyError) as refusal:
        make(merchant, **about)

    assert refusal.value.field == field
    assert str(refusal.value).endswith(".")
    assert ApiKey.objects.count() == 0


@pytest.mark.parametrize("lifetime", [DAY, 1826 * DAY])
def test_a_key_is_valid_until_its_end(merchant: Merchant, lifetime: timedelta) -> None:
    now = timezone.now()
    key = make(merchant, lifetime=lifetime, now=now)

    assert found(key, now=now + lifetime - timedelta(microseconds=1))
    assert found(key, now=now + lifetime) is None


def test_a_revoked_key_opens_nothing_from_the_next_request_on(merchant: Merchant) -> None:
    key, other, now = make(merchant), make(merchant), timezone.now()
    row = ApiKey.objects.get(key_id=claims(key)["kid"])
    assert opens(key)

    credentials.revoke_api_key(key=row, now=now)

    assert not opens(key)
    assert opens(other)
    credentials.revoke_api_key(key=row, now=now + DAY)
    row.refresh_from_db()
    assert row.revoked_at == now


@pytest.mark.parametrize("change", ["scopes", "merchant", "kid"])
def test_a_key_that_says_other_than_its_row_opens_nothing(merchant: Merchant, change: str) -> None:
    """Even if it carries our signature."""
    key, theirs = make(merchant, scopes=ONLY_READING), make_merchant("Other")
    said = claims(key)
    other = {
        "scopes": "read write",
        "merchant": theirs.public_id,
        "kid": ApiKey.objects.of(theirs).get().key_id,
    }

    forged = issue(**said | {change: other[change]})

    assert opens(issue(**said))
    assert not opens(forged)


@pytest.mark.parametrize("claim", ["kid", "merchant", "scopes"])
@pytest.mark.parametrize("value", [None, "", 5, ["read"], {}])
def test_a_key_with_a_part_that_is_none_opens_nothing(
    merchant: Merchant, claim: str, value: object
) -> None:
    said = claims(make(merchant)) | {claim: value}

    assert not opens(issue(**said))


def issue(**said: Any) -> str:
    return ApiToken.issue(now=timezone.now(), lifetime=DAY, **said)


def test_the_row_decides_what_a_key_may_do(merchant: Merchant) -> None:
    key = make(merchant)
    ApiKey.objects.update(scopes="read")

    assert not opens(key)


@pytest.mark.parametrize("scopes", ["write", "", "read  write", "admin"])
def test_the_database_holds_no_other_scopes(merchant: Merchant, scopes: str) -> None:
    make(merchant)

    with pytest.raises(IntegrityError, match="api_keys_read_or_read_and_write"):
        ApiKey.objects.update(scopes=scopes)


def test_a_key_and_its_merchant_are_one_query(
    merchant: Merchant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    key = make(merchant)
    found(key)  # notes the use

    with django_assert_num_queries(1):
        row = found(key)
        assert row is not None
        assert (row.merchant, row.merchant.stripe.merchant_id) == (merchant, merchant.pk)


def test_keys_are_listed_for_their_merchant_newest_first(merchant: Merchant) -> None:
    make(merchant, name="one")
    make(merchant, name="two")
    make(make_merchant("Other"), name="theirs")

    assert [key.name for key in api_keys.of_merchant(merchant)] == ["two", "one"]
