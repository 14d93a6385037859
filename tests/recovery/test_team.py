"""Who works for a merchant: invited, given another role, let go, and never without an owner."""

import contextlib

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from recovery import team
from recovery.models import Membership, Merchant, Role, TokenFamily, User
from tests.builders import make_merchant
from tests.recovery.credentials.cast import opens, pair
from tests.threads import at_once

pytestmark = pytest.mark.django_db
PASSWORD = "a long pass phrase of jo's"


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


def let_in(merchant: Merchant, email: str, role: str = Role.OWNER) -> Membership:
    user = team.let_in(merchant=merchant, email=email, password=PASSWORD, role=role)
    return Membership.objects.get(user=user, merchant=merchant)


def roles(merchant: Merchant) -> dict[str, str]:
    return {one.user.email: one.role for one in team.of_merchant(merchant)}


# --- invited ----------------------------------------------------------------------------------


def test_who_is_invited_is_a_member_without_a_password_and_without_djangos_rights(
    merchant: Merchant,
) -> None:
    membership = team.invite(merchant=merchant, email=" Mo@Example.COM ", role=Role.VIEWER)

    user = User.objects.get()
    assert (membership.user, membership.role, user.email) == (user, "viewer", "mo@example.com")
    assert (user.has_usable_password(), user.is_staff, user.is_active) == (False, False, True)


def test_who_works_for_another_merchant_stays_who_they_are(merchant: Merchant) -> None:
    other = make_merchant("Moss")
    let_in(other, "jo@example.com")

    team.invite(merchant=merchant, email="JO@example.com", role=Role.VIEWER)

    assert User.objects.get().check_password(PASSWORD)
    assert (roles(other), roles(merchant)) == (
        {"jo@example.com": "owner"}, {"jo@example.com": "viewer"},
    )  # fmt: skip


def test_a_member_is_not_invited_again_and_stays_what_they_were(merchant: Merchant) -> None:
    let_in(merchant, "jo@example.com")

    with pytest.raises(ValidationError, match="works for Fern Tea Club already"):
        team.invite(merchant=merchant, email="jo@example.com", role=Role.VIEWER)

    assert roles(merchant) == {"jo@example.com": "owner"}


def test_who_was_shut_out_is_not_let_in_by_an_owner(merchant: Merchant) -> None:
    let_in(make_merchant("Moss"), "jo@example.com")
    User.objects.update(is_active=False)

    with pytest.raises(ValidationError, match="platform's staff"):
        team.invite(merchant=merchant, email="jo@example.com", role=Role.OWNER)

    assert roles(merchant) == {}


@pytest.mark.parametrize("email", ["", "jo", "jo@", "jo @example.com", "a@b.de, c@d.de"])
def test_what_is_no_address_makes_no_user(merchant: Merchant, email: str) -> None:
    with pytest.raises(ValidationError) as refused:
        team.invite(merchant=merchant, email=email, role=Role.OWNER)

    assert list(refused.value.message_dict) == ["email"]
    assert User.objects.count() == 0


def test_a_merchant_has_a_hundred_people_at_most(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(team, "MOST_OF_A_MERCHANT", 1)
    let_in(merchant, "jo@example.com")

    with pytest.raises(ValidationError, match="let one go"):
        team.invite(merchant=merchant, email="mo@example.com", role=Role.OWNER)

    assert User.objects.count() == 1


# --- the last owner ---------------------------------------------------------------------------


def test_the_last_owner_is_neither_demoted_nor_let_go(merchant: Merchant) -> None:
    owner = let_in(merchant, "jo@example.com")
    let_in(merchant, "mo@example.com", Role.OPERATOR)

    with pytest.raises(team.LastOwnerError):
        team.change_role(membership=owner, role=Role.VIEWER)
    with pytest.raises(team.LastOwnerError):
        team.let_go(membership=owner)

    assert roles(merchant) == {"jo@example.com": "owner", "mo@example.com": "operator"}


def test_an_owner_who_can_t_log_in_is_no_other_owner(merchant: Merchant) -> None:
    """An invitation that nobody took, or a login that was shut."""
    owner = let_in(merchant, "jo@example.com")
    team.invite(merchant=merchant, email="mo@example.com", role=Role.OWNER)
    let_in(merchant, "bo@example.com")
    User.objects.filter(email="bo@example.com").update(is_active=False)

    with pytest.raises(team.LastOwnerError):
        team.let_go(membership=owner)

    assert roles(merchant)["jo@example.com"] == "owner"


def test_an_owner_beside_another_may_leave(merchant: Merchant) -> None:
    owner = let_in(merchant, "jo@example.com")
    let_in(merchant, "mo@example.com")

    team.change_role(membership=owner, role=Role.OPERATOR)
    team.let_go(membership=owner)

    assert roles(merchant) == {"mo@example.com": "owner"}


def test_the_owner_of_another_merchant_is_none_here(merchant: Merchant) -> None:
    owner = let_in(merchant, "jo@example.com")
    let_in(make_merchant("Moss"), "mo@example.com")

    with pytest.raises(team.LastOwnerError):
        team.let_go(membership=owner)


def test_a_role_that_is_not_there_is_given_to_nobody(merchant: Merchant) -> None:
    membership = let_in(merchant, "jo@example.com")

    with pytest.raises(ValidationError):
        team.change_role(membership=membership, role="god")

    assert roles(merchant) == {"jo@example.com": "owner"}


def test_who_was_let_go_meanwhile_gets_no_role(merchant: Merchant) -> None:
    let_in(merchant, "jo@example.com")
    gone = let_in(merchant, "mo@example.com", Role.VIEWER)
    Membership.objects.filter(pk=gone.pk).delete()

    with pytest.raises(Membership.DoesNotExist):
        team.change_role(membership=gone, role=Role.OWNER)


def test_the_tokens_of_who_is_let_go_open_nothing(merchant: Merchant) -> None:
    let_in(merchant, "bo@example.com")
    membership = let_in(merchant, "jo@example.com", Role.OPERATOR)
    tokens = pair()
    assert opens(tokens["access"])

    team.let_go(membership=membership)

    assert not opens(tokens["access"])
    assert TokenFamily.objects.count() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["leave", "demote"])
def test_two_owners_who_leave_at_once_leave_one(way: str) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time.")
    merchant = make_merchant()
    owners = [let_in(merchant, f"{name}@example.com") for name in ("jo", "mo")]
    refused: list[str] = []

    def go(membership: Membership) -> None:
        try:
            if way == "leave":
                team.let_go(membership=membership)
            else:
                team.change_role(membership=membership, role=Role.VIEWER)
        except team.LastOwnerError as error:
            refused.append(str(error))

    at_once(*[lambda one=one: go(one) for one in owners])

    assert refused == ["This is the last owner: make somebody else an owner first."]
    assert list(roles(merchant).values()).count("owner") == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_invite_one_address_at_once_make_one_user() -> None:
    merchants = [make_merchant(), make_merchant("Moss")]

    def invite(merchant: Merchant) -> None:
        with contextlib.suppress(ValidationError):
            team.invite(merchant=merchant, email="jo@example.com", role=Role.VIEWER)

    at_once(*[lambda one=one: invite(one) for one in merchants * 2])

    assert User.objects.count() == 1
    assert [roles(merchant) for merchant in merchants] == [{"jo@example.com": "viewer"}] * 2
