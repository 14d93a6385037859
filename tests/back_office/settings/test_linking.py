"""Stripe connected by its own page: who comes back is who left, for one merchant, once."""

import urllib.parse
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from recovery.models import Membership, Merchant, Role, User
from tests.back_office.people import log_in
from tests.back_office.settings.filling_in import address
from tests.builders import make_merchant
from tests.local_stripe import LocalStripe

pytestmark = pytest.mark.django_db
CONNECTED = "Connected. Stripe tells Recover of payments from now on."
NOT_OURS = "This didn't begin here, or too long ago: nothing is connected. Start again."


@pytest.fixture
def local_stripe(local_stripe: LocalStripe, settings: Settings) -> LocalStripe:
    """The platform is one that takes accounts."""
    settings.STRIPE_CONNECT_BASE = local_stripe.url
    settings.STRIPE_API_KEY, settings.STRIPE_CONNECT_CLIENT_ID = "sk_test_platform", "ca_recover"
    return local_stripe


@pytest.fixture
def merchant(local_stripe: LocalStripe) -> Merchant:
    return make_merchant()


@pytest.fixture
def owner(merchant: Merchant) -> Client:
    return log_in(merchant, Role.OWNER)


def leave(client: Client) -> str:
    """The state that somebody leaves with."""
    answer = client.post(address("_stripe_link"))
    assert answer.status_code == 302
    asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer["Location"]).query))
    assert asked["redirect_uri"].endswith("/admin/settings/stripe/linked/")
    return asked["state"]


def a_code(local_stripe: LocalStripe, account: str = "acct_1fern") -> str:
    code = f"ac_{len(local_stripe.world.oauth_codes)}_{account}"
    local_stripe.world.oauth_codes[code] = account
    return code


def come_back(client: Client, **query: Any) -> list[str]:
    answer = client.get(address("_stripe_linked"), query)
    assert (answer.status_code, answer["Location"]) == (302, address("_stripe"))
    return [str(message) for message in client.get(answer["Location"]).context["messages"]]


def account_of(merchant: Merchant) -> str:
    merchant.stripe.refresh_from_db()
    return merchant.stripe.account_id


def test_an_owner_leaves_and_comes_back_connected(
    local_stripe: LocalStripe, merchant: Merchant, owner: Client
) -> None:
    said = come_back(owner, state=leave(owner), code=a_code(local_stripe))

    assert said == [CONNECTED]
    assert account_of(merchant) == "acct_1fern"
    assert address("_stripe_link") not in owner.get(address("_stripe")).content.decode()


def test_a_state_is_good_once(
    local_stripe: LocalStripe, merchant: Merchant, owner: Client
) -> None:
    state = leave(owner)
    assert come_back(owner, state=state, error="access_denied") == [
        "You didn't say yes at Stripe: nothing is connected."
    ]

    assert come_back(owner, state=state, code=a_code(local_stripe)) == [NOT_OURS]
    assert account_of(merchant) == ""


def test_a_forged_state_is_refused_and_ends_the_real_one(
    local_stripe: LocalStripe, merchant: Merchant, owner: Client
) -> None:
    state, code = leave(owner), a_code(local_stripe)

    for forged in ("", "x" * 43, state):
        assert come_back(owner, state=forged, code=code) == [NOT_OURS]

    assert account_of(merchant) == ""
    assert code in local_stripe.world.oauth_codes


def test_the_state_of_another_session_is_refused(
    local_stripe: LocalStripe, merchant: Merchant, owner: Client
) -> None:
    attacker = log_in(make_merchant("Moss"), Role.OWNER, "mo@example.com")
    state, code = leave(attacker), a_code(local_stripe, "acct_1moss")
    leave(owner)

    assert come_back(owner, state=state, code=code) == [NOT_OURS]
    assert account_of(merchant) == ""


def test_who_never_left_is_refused(
    local_stripe: LocalStripe, merchant: Merchant, owner: Client
) -> None:
    assert come_back(owner, state="", code=a_code(local_stripe)) == [NOT_OURS]
    assert account_of(merchant) == ""


def test_who_works_for_another_merchant_by_now_connects_neither(
    local_stripe: LocalStripe, merchant: Merchant, owner: Client
) -> None:
    other = make_merchant("Moss")
    user = User.objects.get()
    Membership.objects.create(user=user, merchant=other, role=Role.OWNER)
    state = leave(owner)
    owner.post("/admin/switch/", {"merchant": other.public_id})

    assert come_back(owner, state=state, code=a_code(local_stripe)) == [NOT_OURS]
    assert (account_of(merchant), account_of(other)) == ("", "")


def test_who_takes_too_long_starts_again(
    local_stripe: LocalStripe, merchant: Merchant, owner: Client
) -> None:
    state, session = leave(owner), owner.session
    left_at = timezone.now() - timedelta(minutes=15)
    session["linking_stripe"] = {**session["linking_stripe"], "at": left_at.isoformat()}
    session.save()

    assert come_back(owner, state=state, code=a_code(local_stripe)) == [NOT_OURS]
    assert account_of(merchant) == ""


def test_what_stripe_refuses_is_said_without_what_the_address_says(
    local_stripe: LocalStripe, merchant: Merchant, owner: Client
) -> None:
    told = "<b>Call 0900</b>"
    said = come_back(owner, state=leave(owner), error="x", error_description=told)
    assert said == ["You didn't say yes at Stripe: nothing is connected."]

    said = come_back(owner, state=leave(owner), code="ac_unknown")
    assert "Start again" in said[0]
    assert account_of(merchant) == ""


def test_an_account_that_is_anothers_is_not_taken(
    local_stripe: LocalStripe, merchant: Merchant, owner: Client
) -> None:
    theirs = make_merchant("Moss")
    other = log_in(theirs, Role.OWNER, "mo@example.com")
    come_back(other, state=leave(other), code=a_code(local_stripe))

    said = come_back(owner, state=leave(owner), code=a_code(local_stripe))

    assert said == ["This Stripe account is connected already, as another merchant here."]
    assert (account_of(merchant), account_of(theirs)) == ("", "acct_1fern")


def test_who_is_no_owner_neither_leaves_nor_comes_back(
    local_stripe: LocalStripe, merchant: Merchant, owner: Client
) -> None:
    operator = log_in(merchant, Role.OPERATOR, "mo@example.com")

    assert operator.post(address("_stripe_link")).status_code == 403
    answer = operator.get(address("_stripe_linked"), {"state": leave(owner), "code": "ac_1"})
    assert answer.status_code == 403


def test_a_platform_without_a_client_id_offers_nothing(
    merchant: Merchant, owner: Client, settings: Settings
) -> None:
    settings.STRIPE_CONNECT_CLIENT_ID = ""

    assert owner.post(address("_stripe_link")).status_code == 403
    assert "Connect with Stripe" not in owner.get(address("_stripe")).content.decode()
