"""POST token and token/refresh: what they take, what they answer, whom they tell nothing."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from recovery import credentials
from recovery.credentials import failed_logins
from recovery.models import Merchant, TokenFamily, User
from tests.builders import make_merchant
from tests.recovery.credentials.cast import (
    EMAIL,
    PASSWORD,
    REFRESH,
    TOKEN,
    log_in,
    member,
    opens,
    pair,
    post,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


def test_a_login_is_answered_with_a_pair(merchant: Merchant) -> None:
    member(merchant, role="viewer")

    answer = log_in()

    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    told = answer.json()
    assert opens(told.pop("access"))
    assert told.pop("refresh").count(".") == 2
    assert told == {
        "access_expires_in": 900, "refresh_expires_in": 1_209_600,
        "merchant": merchant.public_id, "scopes": ["read"],
    }  # fmt: skip


@pytest.mark.parametrize("email", ["JO@example.com", " jo@example.com "])
def test_an_address_may_be_written_in_any_letters(merchant: Merchant, email: str) -> None:
    member(merchant)

    assert log_in(email=email).status_code == 200


def test_a_password_is_taken_as_it_is_written(merchant: Merchant) -> None:
    user = member(merchant)
    user.set_password("  spaces  ")
    user.save()

    assert log_in(password="spaces").status_code == 401
    assert log_in(password="  spaces  ").status_code == 200


# --- refused ----------------------------------------------------------------------------------


def test_every_failed_login_is_told_the_same(merchant: Merchant) -> None:
    member(merchant)
    member(email="outsider@example.com")
    User.objects.create_user("gone@example.com", PASSWORD, is_active=False)
    User.objects.create_user("no-password@example.com")
    answers = [
        log_in(password="wrong"),
        log_in(email="nobody@example.com"),
        log_in(email="outsider@example.com"),
        log_in(email="gone@example.com"),
        log_in(email="no-password@example.com"),
        log_in(email="no address"),
        log_in(merchant=merchant.public_id, password="wrong"),
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert {answer["WWW-Authenticate"] for answer in answers} == {'Bearer realm="recover"'}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["error"] == {
        "code": "invalid_credentials",
        "message": "No user of a merchant logs in with this address and password.",
        "fields": {},
    }
    assert TokenFamily.objects.count() == 0


def test_an_address_that_nobody_has_costs_a_hash_too(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    monkeypatch.setattr(User, "set_password", lambda _user, password: hashed.append(password))

    log_in(email="nobody@example.com")

    assert hashed == [PASSWORD]


def test_who_is_dismissed_while_the_password_is_looked_at_gets_no_tokens(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = member(merchant)
    monkeypatch.setattr(failed_logins, "succeeded", lambda _email: user.memberships.all().delete())

    assert log_in().status_code == 401
    assert TokenFamily.objects.count() == 0


def test_who_works_for_several_merchants_names_one(merchant: Merchant) -> None:
    second, foreign = make_merchant("Second"), make_merchant("Foreign")
    member(merchant, second)
    own = sorted([merchant.public_id, second.public_id])

    for named in ({}, {"merchant": foreign.public_id}, {"merchant": "mer_unknown"}):
        answer = log_in(**named)
        assert answer.status_code == 400
        assert answer.json()["error"]["fields"] == {"merchant": [f"Name one of {', '.join(own)}."]}
    assert TokenFamily.objects.count() == 0
    assert pair(merchant=second.public_id)["merchant"] == second.public_id


def test_who_names_a_merchant_that_is_not_theirs_gets_no_other(merchant: Merchant) -> None:
    member(merchant)
    foreign = make_merchant("Foreign")

    answer = log_in(merchant=foreign.public_id)

    assert answer.status_code == 400
    assert foreign.public_id not in answer.content.decode()
    assert TokenFamily.objects.count() == 0


def test_a_pair_is_for_the_named_merchant_alone(merchant: Merchant) -> None:
    second = make_merchant("Second")
    member(merchant, second)

    tokens = pair(merchant=merchant.public_id)

    family = credentials.token_family(tokens["access"], now=timezone.now())
    assert family is not None
    assert family.merchant == merchant


@pytest.mark.parametrize(
    ("path", "content", "fields"),
    [
        (TOKEN, {}, {"email", "password"}),
        (TOKEN, {"email": EMAIL}, {"password"}),
        (TOKEN, {"email": "", "password": ""}, {"email", "password"}),
        (TOKEN, {"email": None, "password": [PASSWORD]}, {"email", "password"}),
        (TOKEN, {"email": {"a": 1}, "password": True}, {"email", "password"}),
        (TOKEN, {"email": "x" * 255, "password": "x" * 1001}, {"email", "password"}),
        (TOKEN, {"email": "nul\x00", "password": "nul\x00"}, {"email", "password"}),
        (TOKEN, {"email": EMAIL, "password": PASSWORD, "merchant": 5.5e300}, {"merchant"}),
        (TOKEN, {"email": EMAIL, "password": PASSWORD, "merchant": "x" * 41}, {"merchant"}),
        (TOKEN, [], {"non_field_errors"}),
        (TOKEN, 5, {"non_field_errors"}),
        (REFRESH, {}, {"refresh"}),
        (REFRESH, {"refresh": None}, {"refresh"}),
        (REFRESH, {"refresh": ["x"]}, {"refresh"}),
        (REFRESH, {"refresh": "x" * 2001}, {"refresh"}),
        (REFRESH, {"refresh": "\ud800"}, {"refresh"}),
        (REFRESH, 5, {"non_field_errors"}),
    ],
)
def test_a_body_that_cannot_be_is_a_400_that_names_the_field(
    merchant: Merchant, path: str, content: Any, fields: set[str]
) -> None:
    member(merchant)

    answer = post(path, content)

    assert answer.status_code == 400
    assert set(answer.json()["error"]["fields"]) == fields
    assert TokenFamily.objects.count() == 0


@pytest.mark.parametrize("path", [TOKEN, REFRESH])
@pytest.mark.parametrize(
    ("method", "body", "content_type", "status"),
    [
        ("POST", b"{", "application/json", 400),
        ("POST", b"\xff", "application/json", 400),
        ("POST", b"", "application/json", 400),
        ("POST", b"email=jo", "application/x-www-form-urlencoded", 415),
        ("GET", b"", "application/json", 405),
        ("PUT", b"{}", "application/json", 405),
    ],
)
def test_what_is_no_json_post_is_refused_in_the_shape_of_every_error(
    path: str, method: str, body: bytes, content_type: str, status: int
) -> None:
    answer = Client().generic(method, path, body, content_type=content_type)

    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"code", "message", "fields"}


def test_credentials_that_are_shown_as_well_change_nothing(merchant: Merchant) -> None:
    member(merchant)

    answer = post(
        TOKEN, {"email": EMAIL, "password": PASSWORD}, Authorization="Bearer x",
        **{"X-Internal-Key": "x"},
    )  # fmt: skip

    assert answer.status_code == 200
