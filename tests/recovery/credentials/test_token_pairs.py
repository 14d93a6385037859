"""Token pairs: rotated, revoked as a family, dead when what they stand on has changed."""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.db import IntegrityError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from recovery import credentials
from recovery.credentials import token_pairs
from recovery.credentials.tokens import AccessToken
from recovery.models import Membership, Merchant, TokenFamily, User
from tests.builders import make_merchant
from tests.recovery.credentials.cast import EMAIL, member, opens, pair, refresh

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


@pytest.fixture
def user(merchant: Merchant) -> User:
    return member(merchant)


def claims(token: str) -> dict[str, Any]:
    told: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return told


# --- rotation ---------------------------------------------------------------------------------


def test_a_refresh_token_is_good_for_one_new_pair(user: User) -> None:
    first = pair()

    answer = refresh(first["refresh"])

    assert answer.status_code == 200
    second = answer.json()
    assert set(second) == set(first)
    assert second["refresh"] != first["refresh"]
    assert opens(second["access"])
    assert refresh(second["refresh"]).status_code == 200


def test_tokens_say_nothing_of_who_it_is(user: User) -> None:
    tokens = pair()
    family = TokenFamily.objects.get()

    access, refreshing = claims(tokens["access"]), claims(tokens["refresh"])

    assert refreshing["jti"] == family.current_jti
    assert access["exp"] - access["iat"] == 900
    assert refreshing["exp"] - refreshing["iat"] == 14 * 86_400
    for told, audience, kind in (
        (access, "recover-access", "access"), (refreshing, "recover-refresh", "refresh"),
    ):  # fmt: skip
        assert set(told) == {"aud", "exp", "family", "iat", "jti", "token_type"}
        assert (told["aud"], told["token_type"]) == (audience, kind)
        assert told["family"] == family.family_id


def test_an_old_refresh_token_ends_the_family_with_its_access_tokens(
    user: User, caplog: pytest.LogCaptureFixture
) -> None:
    first, other = pair(), pair()
    second = refresh(first["refresh"]).json()

    with caplog.at_level(logging.WARNING):
        assert refresh(first["refresh"]).status_code == 401

    assert refresh(second["refresh"]).status_code == 401
    assert [opens(tokens["access"]) for tokens in (first, second)] == [False, False]
    assert opens(other["access"])  # another login
    family = TokenFamily.objects.order_by("id")[0]
    assert family.revoked_at is not None
    assert family.revoked_reason == "reused"
    assert caplog.messages == [
        f"The tokens of login {family.family_id} were revoked: reused.",
        "Unauthorized: /fourthngoal/recover/token/refresh",
        "Unauthorized: /fourthngoal/recover/token/refresh",
        "Unauthorized: /fourthngoal/recover/metrics/definitions",
        "Unauthorized: /fourthngoal/recover/metrics/definitions",
    ]


def test_why_a_family_ended_is_said_once(user: User) -> None:
    first = pair()
    refresh(first["refresh"])
    refresh(first["refresh"])
    before = TokenFamily.objects.values().get()

    for _again in range(2):
        assert refresh(first["refresh"]).status_code == 401

    assert TokenFamily.objects.values().get() == before


def test_of_two_who_find_it_out_at_once_one_says_it(
    user: User, caplog: pytest.LogCaptureFixture
) -> None:
    pair()
    family = TokenFamily.objects.get()

    for reason in (TokenFamily.Reason.REUSED, TokenFamily.Reason.OUTDATED):
        token_pairs._revoke(family, reason, now=timezone.now())

    family.refresh_from_db()
    assert family.revoked_reason == "reused"
    assert caplog.messages == [f"The tokens of login {family.family_id} were revoked: reused."]


def test_every_rotation_is_two_weeks_from_then_on(user: User) -> None:
    tokens, now = pair(), timezone.now()
    later = now + timedelta(days=10)

    credentials.refresh(tokens["refresh"], now=later)

    assert TokenFamily.objects.get().expires_at == later + timedelta(days=14)


def test_a_family_that_nobody_refreshed_in_two_weeks_is_over(user: User) -> None:
    tokens = pair()
    ends_at = TokenFamily.objects.get().expires_at

    assert credentials.token_family(tokens["access"], now=ends_at - timedelta(seconds=1))
    assert credentials.token_family(tokens["access"], now=ends_at) is None
    with pytest.raises(credentials.RefreshRefusedError):
        credentials.refresh(tokens["refresh"], now=ends_at)


def test_an_access_token_lives_a_quarter_of_an_hour(user: User) -> None:
    pair()
    family, now = TokenFamily.objects.get().family_id, timezone.now()

    def issued(ago: timedelta) -> str:
        return AccessToken.issue(now=now - ago, lifetime=AccessToken.lifetime, family=family)

    assert opens(issued(timedelta(minutes=14)))
    assert not opens(issued(timedelta(minutes=15, seconds=10)))


def test_a_family_its_user_and_its_merchant_are_one_query(
    user: User, merchant: Merchant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    access = pair()["access"]

    with django_assert_num_queries(1):
        family = credentials.token_family(access, now=timezone.now())
        assert family is not None
        assert family.membership.user == user
        assert (family.merchant, family.merchant.stripe.merchant_id) == (merchant, merchant.pk)


def test_the_database_holds_no_family_that_was_revoked_for_no_reason(user: User) -> None:
    pair()

    with pytest.raises(IntegrityError, match="revoked_families_say_why"):
        TokenFamily.objects.update(revoked_at=timezone.now())


# --- what a login stands on -------------------------------------------------------------------


def _change_password() -> None:
    user = User.objects.get(email=EMAIL)
    user.set_password("another pass phrase of jo's")
    user.save()


CHANGES: Mapping[str, Callable[[], object]] = {
    "the password is changed": _change_password,
    "the role is changed": lambda: Membership.objects.update(role="viewer"),
    "the user is no longer active": lambda: User.objects.update(is_active=False),
}
ENDS: Mapping[str, Callable[[], object]] = {
    "the membership is removed": lambda: Membership.objects.all().delete(),
    "the user is deleted": lambda: User.objects.get(email=EMAIL).delete(),
    "the merchant is deleted": lambda: Merchant.objects.get(name="Fern Tea Club").delete(),
}


@pytest.mark.parametrize("change", [*CHANGES.values(), *ENDS.values()], ids=[*CHANGES, *ENDS])
def test_at_the_next_request_a_token_is_refused(user: User, change: Callable[[], object]) -> None:
    tokens = pair()
    assert opens(tokens["access"])

    change()

    assert not opens(tokens["access"])
    assert refresh(tokens["refresh"]).status_code == 401


@pytest.mark.parametrize("change", [*CHANGES.values(), *ENDS.values()], ids=[*CHANGES, *ENDS])
def test_at_the_next_refresh_too(user: User, change: Callable[[], object]) -> None:
    tokens = pair()

    change()

    assert refresh(tokens["refresh"]).status_code == 401
    assert not opens(tokens["access"])


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_ended_so_stays_ended(user: User, change: Callable[[], object]) -> None:
    tokens = pair()
    before = User.objects.values("password", "is_active").get()
    change()
    assert not opens(tokens["access"])

    User.objects.update(**before)
    Membership.objects.update(role="owner")

    assert not opens(tokens["access"])
    assert TokenFamily.objects.get().revoked_reason == "outdated"


def test_the_tokens_of_others_are_left_alone(user: User, merchant: Merchant) -> None:
    member(merchant, email="al@example.com")
    theirs = pair(email="al@example.com")

    _change_password()

    assert opens(theirs["access"])


def test_who_was_taken_back_logs_in_anew(user: User, merchant: Merchant) -> None:
    tokens = pair()
    Membership.objects.all().delete()
    Membership.objects.create(user=user, merchant=merchant, role="owner")

    assert not opens(tokens["access"])
    assert opens(pair()["access"])
