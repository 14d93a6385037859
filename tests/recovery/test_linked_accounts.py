"""Stripe connected by Connect: the code is taken once, for one merchant, and let go again."""

import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import Message
from typing import Any
from unittest import mock

import pytest
from django.utils import timezone
from pytest_django import Settings

from recovery import merchants, stripe_gateway
from recovery.models import Merchant, RecoveryCase, StripeConnection
from recovery.stripe_errors import NotConnectedError, StripeUnavailableError
from recovery.tasks import process_inbox
from tests.builders import event, make_merchant, post, receive
from tests.connected import KEY
from tests.local_stripe import LocalStripe
from tests.local_stripe.ids import account_id
from tests.recovery.stories import told
from tests.recovery.test_merchants import connect

pytestmark = pytest.mark.django_db
PLATFORM = "sk_test_platform"
PLATFORMS_SECRET = "whsec_of_the_platform_0123456789abcdef"
BACK = "http://127.0.0.1:9/back/"
NOTHING_LISTENS = "http://127.0.0.1:9"


@pytest.fixture
def local_stripe(settings: Settings) -> Iterator[LocalStripe]:
    with LocalStripe() as running:
        settings.STRIPE_API_BASE = settings.STRIPE_CONNECT_BASE = running.url
        settings.STRIPE_API_KEY = PLATFORM
        settings.STRIPE_CONNECT_CLIENT_ID = "ca_recover"
        settings.STRIPE_CONNECT_WEBHOOK_SECRET = PLATFORMS_SECRET
        yield running


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def say(choice: str, *, account: str = "ferntea", state: str = "s") -> dict[str, str]:
    """What Stripe sends back with an owner who said that on its page."""
    form = urllib.parse.urlencode({"choice": choice, "account": account}).encode()
    address = merchants.link_address(state=state, back=BACK)
    opener = urllib.request.build_opener(_NoRedirects)
    with pytest.raises(urllib.error.HTTPError) as answer:
        opener.open(urllib.request.Request(address, data=form), timeout=10)
    answer.value.close()
    headers: Message = answer.value.headers
    back, _, query = str(headers["Location"]).partition("?")
    assert back == BACK
    return dict(urllib.parse.parse_qsl(query))


def link(merchant: Merchant, code: str | None = None) -> None:
    code = say("yes")["code"] if code is None else code
    merchants.link(merchant=merchant, code=code, now=timezone.now())


def kept(merchant: Merchant) -> dict[str, Any]:
    found: dict[str, Any] = {**StripeConnection.objects.filter(merchant=merchant).values().get()}
    return found


@pytest.mark.parametrize("missing", ["STRIPE_CONNECT_CLIENT_ID", "STRIPE_API_KEY"])
def test_a_platform_without_a_client_id_and_a_key_takes_no_accounts(
    local_stripe: LocalStripe, settings: Settings, missing: str
) -> None:
    assert merchants.can_link()
    setattr(settings, missing, "")
    assert not merchants.can_link()


def test_the_owner_is_asked_at_stripe_for_all_that_recover_does(
    local_stripe: LocalStripe, settings: Settings
) -> None:
    settings.STRIPE_CONNECT_BASE = ""
    address = merchants.link_address(state="a&b", back=BACK)

    base, _, query = address.partition("?")
    assert base == "https://connect.stripe.com/oauth/authorize"
    assert dict(urllib.parse.parse_qsl(query)) == {
        "response_type": "code", "client_id": "ca_recover", "scope": "read_write",
        "state": "a&b", "redirect_uri": BACK,
    }  # fmt: skip


def test_a_linked_account_is_reached_by_the_platforms_key_and_no_token_is_kept(
    local_stripe: LocalStripe,
) -> None:
    merchant = make_merchant()
    told = say("yes", state="mine")
    assert told["state"] == "mine"

    link(merchant, told["code"])

    row = kept(merchant)
    assert (row["account_id"], row["api_key"]) == (account_id("ferntea"), "")
    assert (row["livemode"], row["endpoint_id"]) == (False, "")
    assert row["portal_configuration_id"].startswith("bpc_")
    assert not re.search("sk_test|rt_", str(row))
    assert stripe_gateway.of(merchant).account() == account_id("ferntea")


def test_what_failed_before_is_recovered_too(local_stripe: LocalStripe) -> None:
    local_stripe.scenarios.renewal_fails(reason="expired_card", key=KEY)

    link(merchant := make_merchant())

    assert RecoveryCase.objects.get().merchant == merchant


def test_a_code_is_good_once(local_stripe: LocalStripe) -> None:
    code = say("yes")["code"]
    link(make_merchant(), code)
    other = make_merchant("Moss")

    with pytest.raises(merchants.ConnectError, match="code does not exist"):
        link(other, code)

    assert kept(other)["connected_at"] is None


def test_an_account_of_another_merchant_is_not_linked_and_stays_theirs(
    local_stripe: LocalStripe,
) -> None:
    ours, theirs = make_merchant(), make_merchant("Moss")
    link(theirs)

    with pytest.raises(merchants.AccountTakenError):
        link(ours)

    assert (kept(ours)["account_id"], kept(ours)["connected_at"]) == ("", None)
    assert stripe_gateway.of(theirs).account() == account_id("ferntea")


def test_who_is_connected_by_a_key_disconnects_first(local_stripe: LocalStripe) -> None:
    merchant = make_merchant()
    connect(merchant)
    before = kept(merchant)

    with pytest.raises(merchants.ConnectError, match="Disconnect it first"):
        link(merchant)

    assert kept(merchant) == before


def test_without_stripe_nothing_is_linked(local_stripe: LocalStripe, settings: Settings) -> None:
    merchant = make_merchant()
    settings.STRIPE_CONNECT_BASE = NOTHING_LISTENS

    with pytest.raises(merchants.ConnectError):
        link(merchant, "ac_1")

    assert kept(merchant)["connected_at"] is None


def test_what_fails_after_the_code_was_taken_leaves_nothing_connected(
    local_stripe: LocalStripe,
) -> None:
    merchant = make_merchant()
    local_stripe.faults.add("500", path="/v1/billing_portal/*", times=20)

    with pytest.raises(merchants.ConnectError):
        link(merchant)

    assert (kept(merchant)["account_id"], kept(merchant)["connected_at"]) == ("", None)
    assert local_stripe.world.accounts[account_id("ferntea")].platform is None


def test_an_access_that_can_t_be_given_back_now_is_told_of_in_the_log(
    local_stripe: LocalStripe, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    local_stripe.faults.add("500", path="/v1/billing_portal/*", times=20)
    silent = mock.Mock(side_effect=StripeUnavailableError)
    monkeypatch.setattr(stripe_gateway.Platform, "let_go", silent)

    with pytest.raises(merchants.ConnectError):
        link(make_merchant())

    assert "is of no use" in caplog.text


def test_an_account_that_is_connected_by_a_key_is_not_linked_and_the_access_is_given_back(
    local_stripe: LocalStripe,
) -> None:
    theirs = make_merchant("Moss")
    connect(theirs)

    with pytest.raises(merchants.AccountTakenError):
        link(make_merchant())

    assert local_stripe.world.accounts[account_id("ferntea")].platform is None
    assert stripe_gateway.of(theirs).account() == account_id("ferntea")


def test_disconnecting_takes_the_platforms_access_away_at_stripe(
    local_stripe: LocalStripe,
) -> None:
    merchant = make_merchant()
    link(merchant)

    assert merchants.disconnect(merchant=merchant, now=timezone.now()) == ""

    assert local_stripe.world.accounts[account_id("ferntea")].platform is None
    assert kept(merchant)["account_id"] == ""
    with pytest.raises(NotConnectedError):
        stripe_gateway.of(merchant)


def test_an_account_that_left_by_itself_is_disconnected_too(local_stripe: LocalStripe) -> None:
    merchant = make_merchant()
    link(merchant)
    local_stripe.world.accounts[account_id("ferntea")].platform = None

    assert merchants.disconnect(merchant=merchant, now=timezone.now()) == ""
    assert kept(merchant)["account_id"] == ""


def is_deauthorized(merchant: Merchant, *, at: datetime | None = None) -> None:
    """Stripe tells that the owner took the platform's access away."""
    created = int((at or timezone.now()).timestamp())
    gone = event(
        "account.application.deauthorized", {"object": "application"}, created=created,
        account=merchant.stripe.account_id,
    )  # fmt: skip
    assert post(gone, secret=PLATFORMS_SECRET).status_code == 200
    process_inbox()
    merchant.stripe.refresh_from_db()


def test_a_merchant_that_took_its_permission_back_is_not_asked_for_any_more(
    local_stripe: LocalStripe,
) -> None:
    merchant = make_merchant()
    link(merchant)
    ids = local_stripe.scenarios.renewal_fails(key=KEY)

    is_deauthorized(merchant)

    assert merchant.stripe.disconnected_at is not None
    local_stripe.requests.clear()
    receive(*told(local_stripe, "invoice.payment_failed"), merchant=merchant)
    assert local_stripe.requests == []
    case = RecoveryCase.objects.get()
    assert (case.stripe_invoice_id, case.enrich_at) == (ids["invoice"], None)


def test_what_is_said_late_or_again_of_an_access_that_was_given_anew_ends_nothing(
    local_stripe: LocalStripe,
) -> None:
    merchant = make_merchant()
    link(merchant)
    merchants.disconnect(merchant=merchant, now=timezone.now())
    link(merchant)
    assert merchant.stripe.connected_at

    is_deauthorized(merchant, at=merchant.stripe.connected_at - timedelta(seconds=5))

    assert merchant.stripe.disconnected_at is None
    assert merchant.stripe.is_connected


def test_an_app_that_is_taken_away_ends_no_connection_by_a_key(local_stripe: LocalStripe) -> None:
    merchant = make_merchant()
    connect(merchant)

    is_deauthorized(merchant)

    assert merchant.stripe.disconnected_at is None
    assert merchant.stripe.is_connected


@pytest.mark.parametrize("trouble", ["down", "another key"])
def test_an_account_that_can_t_be_let_go_now_stays_linked(
    local_stripe: LocalStripe, settings: Settings, trouble: str
) -> None:
    merchant = make_merchant()
    link(merchant)
    before = kept(merchant)
    if trouble == "down":
        settings.STRIPE_CONNECT_BASE = NOTHING_LISTENS
    else:
        settings.STRIPE_API_KEY = "nonsense"

    with pytest.raises(merchants.ConnectError):
        merchants.disconnect(merchant=merchant, now=timezone.now())

    assert kept(merchant) == before


def test_a_page_of_stripes_that_is_asked_wrongly_says_so(local_stripe: LocalStripe) -> None:
    for query in ("", "?response_type=code", "?response_type=code&client_id=x&redirect_uri=js:x"):
        with pytest.raises(urllib.error.HTTPError) as answer:
            urllib.request.urlopen(f"{local_stripe.url}/oauth/authorize{query}", timeout=10)
        answer.value.close()
        assert answer.value.code == 400


def test_who_says_no_comes_back_without_a_code(local_stripe: LocalStripe) -> None:
    told = say("no", state="mine")

    assert (told["state"], told["error"]) == ("mine", "access_denied")
    assert "code" not in told
