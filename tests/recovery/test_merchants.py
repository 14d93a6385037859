"""Connecting a merchant's Stripe: what is probed, made, reused, refused and imported."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from recovery import merchants
from recovery.models import Merchant, RecoveryCase, SigningSecret
from tests.builders import make_merchant
from tests.local_stripe import LocalStripe
from tests.local_stripe_tests.openapi import Validator

pytestmark = pytest.mark.django_db
KEY = "rk_test_ferntea"


@pytest.fixture
def local_stripe(settings: Settings) -> Iterator[LocalStripe]:
    with LocalStripe(on_exchange=Validator().check) as running:
        settings.STRIPE_API_BASE = running.url
        yield running


def connect(merchant: Merchant, key: str = KEY) -> str:
    return merchants.connect(merchant=merchant, api_key=key, now=timezone.now())


def endpoints(local_stripe: LocalStripe) -> list[Any]:
    return local_stripe.world.realm_of(KEY).all("webhook_endpoint")


def test_connecting_registers_one_endpoint_with_the_pinned_version(
    local_stripe: LocalStripe,
) -> None:
    merchant = make_merchant()
    secret = connect(merchant)

    [endpoint] = endpoints(local_stripe)
    assert endpoint["url"] == merchants.webhook_url(merchant)
    assert endpoint["api_version"] == "2026-10-28.endive"
    assert "invoice.payment_failed" in endpoint["enabled_events"]
    assert SigningSecret.objects.latest("id").secret == secret
    merchant.stripe.refresh_from_db()
    assert merchant.stripe.livemode is False
    assert merchant.stripe.portal_configuration_id.startswith("bpc_")


def test_a_key_of_another_account_is_refused_until_the_first_is_disconnected(
    local_stripe: LocalStripe,
) -> None:
    merchant = make_merchant()
    connect(merchant)
    first = merchant.stripe.account_id

    with pytest.raises(merchants.ConnectError, match=f"is connected to {first}"):
        connect(merchant, "rk_test_moss")

    merchant.stripe.refresh_from_db()
    assert (merchant.stripe.account_id, merchant.stripe.api_key) == (first, KEY)
    merchants.disconnect(merchant=merchant, now=timezone.now())
    connect(merchant, "rk_test_moss")
    assert merchant.stripe.account_id != first


def test_connecting_again_reuses_the_endpoint_and_the_portal_configuration(
    local_stripe: LocalStripe,
) -> None:
    merchant = make_merchant()
    first = connect(merchant)
    configuration = merchant.stripe.portal_configuration_id

    assert connect(merchant) == first
    assert len(endpoints(local_stripe)) == 1
    assert merchant.stripe.portal_configuration_id == configuration


def test_an_endpoint_whose_secret_was_lost_is_replaced(local_stripe: LocalStripe) -> None:
    merchant = make_merchant()
    first = connect(merchant)
    SigningSecret.objects.exclude(endpoint_id="").delete()

    assert connect(merchant) != first
    assert len(endpoints(local_stripe)) == 1


def test_each_missing_permission_is_listed_and_nothing_is_connected(
    local_stripe: LocalStripe,
) -> None:
    merchant = make_merchant()
    missing = {"rak_invoice_write", "rak_webhook_write", "rak_customer_portal_write"}
    local_stripe.world.restrict(KEY, missing=missing)

    with pytest.raises(merchants.ConnectError) as refused:
        connect(merchant)

    assert {name for name in missing if name in str(refused.value)} == missing
    assert "rak_charge_read" not in str(refused.value)
    merchant.stripe.refresh_from_db()
    assert merchant.stripe.api_key == ""


def test_an_account_without_room_for_an_endpoint_gets_a_sentence_that_helps(
    local_stripe: LocalStripe,
) -> None:
    others = [make_merchant(f"Shop {number}") for number in range(16)]
    for other in others:
        other.stripe.account_id = ""
    from recovery.stripe_gateway import StripeGateway

    gateway = StripeGateway(api_key=KEY)
    for number in range(16):
        gateway.create_endpoint(
            url=f"http://127.0.0.1:9/{number}",
            events=["invoice.paid"],
            merchant="x",
            key=str(number),
        )

    with pytest.raises(merchants.ConnectError, match="no room for another webhook endpoint"):
        connect(others[0])


@pytest.mark.parametrize("key", ["", "pk_test_1", "whsec_1", "sk_1"])
def test_what_is_no_secret_key_is_refused_before_stripe_is_asked(
    local_stripe: LocalStripe, key: str
) -> None:
    with pytest.raises(merchants.ConnectError, match="no secret Stripe key"):
        connect(make_merchant(), key)
    assert local_stripe.requests == []


def test_a_live_key_needs_a_public_https_address(local_stripe: LocalStripe) -> None:
    with pytest.raises(merchants.ConnectError, match="https"):
        connect(make_merchant(), "rk_live_ferntea")
    assert local_stripe.requests == []


def test_what_has_failed_already_is_recovered_too(local_stripe: LocalStripe) -> None:
    ids = local_stripe.scenarios.renewal_fails(
        reason="expired_card", email="jo@example.com", key=KEY
    )
    connect(make_merchant())
    case = RecoveryCase.objects.get()
    assert (case.stripe_invoice_id, case.status) == (ids["invoice"], "open")
    assert case.decline_code == "expired_card"


def test_create_merchant_prints_its_credentials_once_as_json(local_stripe: LocalStripe) -> None:
    printed = io.StringIO()
    call_command(
        "create_merchant", "Fern", "--stripe-api-key", KEY, "--currency", "EUR", "--timezone",
        "Europe/Berlin", "--monthly-price", "49.50", "--json", stdout=printed,
    )  # fmt: skip
    made = json.loads(printed.getvalue())
    assert set(made) == {
        "merchant_id", "webhook_url", "webhook_secret", "internal_key", "api_key",
    }  # fmt: skip
    merchant = Merchant.objects.get(public_id=made["merchant_id"])
    assert (merchant.currency, merchant.monthly_price) == ("eur", 4950)
    assert made["internal_key"] not in str(list(merchant.__dict__.values()))


@pytest.mark.parametrize(
    "options",
    [
        ["--timezone", "Mars/Olympus"],
        ["--currency", "euros"],
        ["--monthly-price", "free"],
        ["--monthly-price", "-3"],
        ["--stripe-api-key", "pk_test_1"],
    ],
)
def test_create_merchant_refuses_bad_input_and_makes_nothing(options: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("create_merchant", "Fern", *options)
    assert Merchant.objects.count() == 0


def test_a_merchant_whose_key_lacks_a_permission_is_not_made(local_stripe: LocalStripe) -> None:
    local_stripe.world.restrict(KEY, missing={"rak_event_read"})
    with pytest.raises(CommandError, match="rak_event_read"):
        call_command("create_merchant", "Fern", "--stripe-api-key", KEY)
    assert Merchant.objects.count() == 0
