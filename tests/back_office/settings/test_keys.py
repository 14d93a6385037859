"""Settings → Keys: made, shown once, replaced with an overlap, ended at once."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from recovery import credentials
from recovery.models import ApiKey, InternalKey, Merchant, Role
from tests.back_office.people import log_in, make_world
from tests.back_office.settings.filling_in import address, refused, send, shown

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return make_world("fern")


@pytest.fixture
def owner(merchant: Merchant) -> Client:
    return log_in(merchant, Role.OWNER)


def make(owner: Client, **changed: str) -> Any:
    usual = {"name": "reports", "scopes": "read", "days": "30"}
    return owner.post(address("_api_key_new"), usual | changed)


def test_an_api_key_is_made_as_it_was_chosen_and_shown(merchant: Merchant, owner: Client) -> None:
    [key] = shown(owner, make(owner))

    found = credentials.api_key(key, now=timezone.now())
    assert found is not None
    assert (found.merchant, found.name, found.scopes) == (merchant, "reports", "read")
    assert found.expires_at - found.created_at < timedelta(days=30, seconds=5)
    assert credentials.api_key(key, now=timezone.now() + timedelta(days=30)) is None


def test_a_key_is_shown_once_to_whoever_made_it(merchant: Merchant, owner: Client) -> None:
    answer = make(owner)
    other = log_in(merchant, Role.OWNER, "mo@example.com")

    assert shown(other, answer) == []
    [key] = shown(owner, answer)
    assert shown(owner, answer) == []
    assert key not in owner.get(answer["Location"]).content.decode()
    assert key not in owner.get(address("_keys")).content.decode()


def test_a_key_that_nobody_fetched_is_gone_after_two_minutes(
    owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recover_project.back_office.settings.shown_once.KEPT_FOR", -1)

    assert shown(owner, make(owner)) == []


def test_on_its_way_to_the_page_a_key_is_encrypted(owner: Client) -> None:
    answer = make(owner)
    kept = str(dict(owner.session))

    [key] = shown(owner, answer)

    assert "shown_once" in kept
    assert key not in kept
    assert "shown_once" not in owner.session


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("name", "jo@example.com"), ("name", "x" * 81), ("name", "a\tb"),
     ("scopes", "write"), ("scopes", ""), ("days", "0"), ("days", "36500"), ("days", "x")],
)  # fmt: skip
def test_a_key_that_can_t_be_is_not_made(
    merchant: Merchant, owner: Client, field: str, value: str
) -> None:
    usual = {"name": "reports", "scopes": "read", "days": "30"}

    assert list(refused(owner, "_api_key_new", **usual | {field: value})) == [field]

    assert ApiKey.objects.count() == 1


def test_a_revoked_key_opens_nothing_and_is_listed_as_revoked(
    merchant: Merchant, owner: Client
) -> None:
    [key] = shown(owner, make(owner))
    row = ApiKey.objects.get(name="reports")

    assert send(owner, "_api_key_revoke", row.key_id) == ["reports opens nothing any more."]

    assert credentials.api_key(key, now=timezone.now()) is None
    page = owner.get(address("_keys")).content.decode()
    assert "revoked" in page
    assert address("_api_key_revoke", row.key_id) not in page


def test_an_internal_key_is_replaced_with_an_overlap(merchant: Merchant, owner: Client) -> None:
    [first] = shown(owner, owner.post(address("_internal_key_new"), {"overlap_hours": "24"}))
    [second] = shown(owner, owner.post(address("_internal_key_new"), {"overlap_hours": "1"}))

    def valid(after: timedelta) -> list[bool]:
        at = timezone.now() + after
        return [credentials.internal_key(key, now=at) is not None for key in (first, second)]

    assert valid(timedelta(minutes=50)) == [True, True]
    assert valid(timedelta(minutes=61)) == [False, True]


def test_a_leaked_internal_key_ends_at_once(merchant: Merchant, owner: Client) -> None:
    [leaked] = shown(owner, owner.post(address("_internal_key_new"), {"overlap_hours": "24"}))

    shown(owner, owner.post(address("_internal_key_new"), {"overlap_hours": "0"}))

    assert credentials.internal_key(leaked, now=timezone.now()) is None


def test_an_overlap_that_isn_t_offered_replaces_nothing(merchant: Merchant, owner: Client) -> None:
    before = list(InternalKey.objects.values())

    assert list(refused(owner, "_internal_key_new", overlap_hours="100000")) == ["overlap_hours"]

    assert list(InternalKey.objects.values()) == before


def test_an_internal_key_is_revoked(merchant: Merchant, owner: Client) -> None:
    [key] = shown(owner, owner.post(address("_internal_key_new"), {"overlap_hours": "0"}))
    row = InternalKey.objects.latest("id")

    send(owner, "_internal_key_revoke", row.pk)

    assert credentials.internal_key(key, now=timezone.now()) is None
    assert (
        address("_internal_key_revoke", row.pk) not in owner.get(address("_keys")).content.decode()
    )


def test_two_hundred_keys_are_listed_in_as_many_queries_as_one(
    merchant: Merchant, owner: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        credentials.new_api_key(merchant=merchant, name=f"key {number}", now=timezone.now())

    with django_assert_max_num_queries(12):
        assert owner.get(address("_keys")).status_code == 200
