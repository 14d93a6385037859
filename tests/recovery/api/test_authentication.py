"""Who a client is: by which credential, for whom, and what it may do."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from recovery import credentials
from recovery.models import ApiKey, InternalKey, Merchant
from recovery.scopes import ONLY_READING
from tests.builders import DASHBOARD, make_merchant
from tests.recovery.api.doors import BEARER, DOORS, EITHER, INTERNAL
from tests.recovery.api.forgery import api_key
from tests.recovery.credentials.cast import DEFINITIONS, member, pair

pytestmark = pytest.mark.django_db
IS_BEARER = 'Bearer realm="recover"'
IS_INTERNAL = 'X-Internal-Key realm="recover"'
INVALID = f'{IS_BEARER}, error="invalid_token"'


@pytest.fixture(autouse=True)
def _doors(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.recovery.api.doors"


@pytest.fixture
def merchant() -> Merchant:
    make_merchant("Other")
    return make_merchant()


def internal_key(merchant: Merchant) -> str:
    return credentials.new_internal_key(merchant=merchant, now=timezone.now())


def ask(door: str, method: str = "GET", **headers: str) -> Any:
    return Client().generic(method, door, headers=headers)


def by_bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


# --- who it is --------------------------------------------------------------------------------


@pytest.mark.parametrize("door", [BEARER, EITHER])
def test_an_api_key_is_its_merchants_client(merchant: Merchant, door: str) -> None:
    answer = ask(door, **by_bearer(api_key(merchant)))

    row = ApiKey.objects.of(merchant).latest("id")
    assert answer.json() == {
        "merchant": merchant.public_id, "credential": f"api_key:{row.key_id}",
        "actor": "api_key:nightly import", "scopes": ["read", "write"],
    }  # fmt: skip


@pytest.mark.parametrize("door", [BEARER, EITHER])
@pytest.mark.parametrize(
    ("role", "scopes"),
    [("viewer", ["read"]), ("operator", ["read", "write"]), ("owner", ["read", "write"])],
)
def test_a_user_is_a_client_as_their_role_has_it(
    merchant: Merchant, door: str, role: str, scopes: list[str]
) -> None:
    user = member(merchant, role=role)

    answer = ask(door, **by_bearer(pair()["access"]))

    assert answer.json() == {
        "merchant": merchant.public_id, "credential": f"user:{user.pk}",
        "actor": f"user:{user.pk}", "scopes": scopes,
    }  # fmt: skip


@pytest.mark.parametrize("door", [INTERNAL, EITHER])
def test_an_internal_key_is_its_merchants_client(merchant: Merchant, door: str) -> None:
    key = internal_key(merchant)

    answer = ask(door, **{"X-Internal-Key": key})

    row = InternalKey.objects.of(merchant).latest("id")
    assert answer.json() == {
        "merchant": merchant.public_id, "credential": f"internal_key:{row.pk}",
        "actor": f"internal_key:…{key[-4:]}", "scopes": ["read", "write"],
    }  # fmt: skip


@pytest.mark.parametrize("shown", ["bearer {}", "BEARER {}", "Bearer   {}", "Bearer {} "])
def test_the_scheme_may_be_written_in_any_letters(merchant: Merchant, shown: str) -> None:
    answer = ask(BEARER, Authorization=shown.format(api_key(merchant)))

    assert answer.status_code == 200


# --- who it isn't -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("door", "challenge"),
    [(BEARER, IS_BEARER), (INTERNAL, IS_INTERNAL), (EITHER, f"{IS_INTERNAL}, {IS_BEARER}")],
)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic eDp5"}, {"X-Internal-Key": ""}])
def test_who_shows_nothing_is_told_what_to_show(
    door: str, challenge: str, headers: dict[str, str]
) -> None:
    answer = ask(door, **headers)

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, challenge)
    error = answer.json()["error"]
    assert error["code"] == "not_authenticated"
    assert ("X-Internal-Key" in error["message"]) is ("X-Internal-Key" in challenge)
    assert ("Authorization: Bearer" in error["message"]) is ("Bearer" in challenge)


@pytest.mark.parametrize(
    ("door", "challenge"), [(BEARER, INVALID), (EITHER, f"{IS_INTERNAL}, {INVALID}")]
)
@pytest.mark.parametrize("shown", ["Bearer x", "Bearer", "bearer "])
def test_who_shows_a_bad_token_is_told_so(door: str, challenge: str, shown: str) -> None:
    answer = ask(door, Authorization=shown)

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, challenge)
    assert answer.json()["error"] == {
        "code": "authentication_failed",
        "message": "This key or token is unknown or of another kind, was revoked or has ended.",
        "fields": {},
    }


def test_two_credentials_at_once_are_refused_where_both_open(merchant: Merchant) -> None:
    theirs = Merchant.objects.get(name="Other")
    both = by_bearer(api_key(merchant)) | {"X-Internal-Key": internal_key(theirs)}

    answer = ask(EITHER, **both)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "several_credentials"
    assert ask(BEARER, **both).json()["merchant"] == merchant.public_id
    assert ask(INTERNAL, **both).json()["merchant"] == theirs.public_id


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", ["Authorization", "X-Internal-Key"])
@pytest.mark.parametrize("shown", ["\x80\xff", "Bearer \x80\xff", "x" * 200_000, "Bearer é.é.é"])
def test_no_header_is_too_odd_to_be_refused(door: str, name: str, shown: str) -> None:
    assert ask(door, **{name: shown}).status_code == 401


# --- what it may do ---------------------------------------------------------------------------


@pytest.mark.parametrize("door", [BEARER, EITHER])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_who_may_only_read_changes_nothing(merchant: Merchant, door: str, method: str) -> None:
    member(merchant, role="viewer")
    for token in (api_key(merchant, scopes=ONLY_READING), pair()["access"]):
        assert ask(door, "GET", **by_bearer(token)).status_code == 200

        answer = ask(door, method, **by_bearer(token))

        assert answer.status_code == 403
        assert answer["WWW-Authenticate"] == (
            f'{IS_BEARER}, error="insufficient_scope", scope="write"'
        )
        assert answer.json()["error"] == {
            "code": "insufficient_scope",
            "message": "This key may not do that: it lacks the scope write.",
            "fields": {},
        }


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_who_may_write_may_all(merchant: Merchant, method: str) -> None:
    assert ask(BEARER, method, **by_bearer(api_key(merchant))).status_code == 200
    assert ask(INTERNAL, method, **{"X-Internal-Key": internal_key(merchant)}).status_code == 200


def test_definitions_are_read_with_either_and_the_dashboard_with_an_internal_key(
    merchant: Merchant,
) -> None:
    bearer, internal = by_bearer(api_key(merchant)), {"X-Internal-Key": internal_key(merchant)}

    assert [ask(DEFINITIONS, **headers).status_code for headers in (bearer, internal)] == [200] * 2
    assert [ask(DASHBOARD, **headers).status_code for headers in (bearer, internal)] == [401, 200]
