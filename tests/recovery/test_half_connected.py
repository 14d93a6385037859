"""A merchant is connected whole or not at all, also in Stripe, where endpoints are few."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from recovery import merchants
from recovery.merchants import connections
from recovery.models import Merchant, StripeConnection
from recovery.stripe_errors import StripeUnavailableError
from tests.builders import make_merchant
from tests.local_stripe import LocalStripe
from tests.recovery.test_commands import KEY, count_rows, refused, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def local_stripe(settings: Settings) -> Iterator[LocalStripe]:
    with LocalStripe() as running:
        settings.STRIPE_API_BASE = running.url
        yield running


def endpoints(local_stripe: LocalStripe) -> list[str]:
    return [row["url"] for row in local_stripe.world.realm_of(KEY).all("webhook_endpoint")]


def test_a_second_merchant_on_one_stripe_account_is_refused_before_anything_is_made(
    local_stripe: LocalStripe,
) -> None:
    run("create_merchant", "Fern", "--stripe-api-key", KEY)
    rows, before = count_rows(), endpoints(local_stripe)

    said = refused("create_merchant", "Second", "--stripe-api-key", KEY)

    account = StripeConnection.objects.get().account_id
    assert said == (
        f"The Stripe account {account} (test mode) belongs to the merchant "
        f"{Merchant.objects.get().public_id} already. Each account has one merchant in each mode: "
        "use that one, or the key of another account.\nNo merchant was made."
    )
    assert count_rows() == rows
    assert endpoints(local_stripe) == before


def test_two_merchants_that_take_one_account_at_once_leave_nothing_of_the_second(
    local_stripe: LocalStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is connected between the second's look and its save."""
    first = make_merchant()
    check = connections.check_is_free

    def check_too_early(merchant: Merchant, **account: Any) -> None:
        monkeypatch.setattr(connections, "check_is_free", check)
        run("connect_stripe", first.public_id, "--stripe-api-key", KEY)

    monkeypatch.setattr(connections, "check_is_free", check_too_early)
    said = refused("create_merchant", "Second", "--stripe-api-key", KEY)

    assert f"belongs to the merchant {first.public_id} already" in said
    assert Merchant.objects.get() == first
    assert endpoints(local_stripe) == [merchants.webhook_url(first)]


def is_down(*_: object, **__: object) -> None:
    raise StripeUnavailableError


def test_whatever_fails_after_the_endpoint_was_made_leaves_no_endpoint(
    local_stripe: LocalStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise ArithmeticError

    monkeypatch.setattr("recovery.imports.failed_invoices", crash)
    with pytest.raises(ArithmeticError):
        run("create_merchant", "Fern", "--stripe-api-key", KEY)

    assert count_rows() == [0] * 7
    assert endpoints(local_stripe) == []


def test_an_endpoint_that_cannot_be_removed_is_named_in_the_log(
    local_stripe: LocalStripe, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def go_down(*_: object, **__: object) -> None:
        local_stripe.faults.add("500", path="/v1/*", times=20)
        raise StripeUnavailableError

    monkeypatch.setattr("recovery.imports.failed_invoices", go_down)
    refused("create_merchant", "Fern", "--stripe-api-key", KEY)

    (left,) = local_stripe.world.realm_of(KEY).all("webhook_endpoint")
    assert f"Endpoint {left['id']} is of no use; delete it in Stripe" in caplog.text
    assert count_rows() == [0] * 7


def test_a_connection_that_cannot_be_made_anew_stays_what_it_was(
    local_stripe: LocalStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant = make_merchant()
    run("connect_stripe", merchant.public_id, "--stripe-api-key", KEY)
    before = StripeConnection.objects.values().get()
    monkeypatch.setattr("recovery.imports.failed_invoices", is_down)

    refused("connect_stripe", merchant.public_id, "--stripe-api-key", "rk_test_another")

    assert StripeConnection.objects.values().get() == before
