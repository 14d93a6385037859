"""A connection that is looked at again, whose secret is replaced, and that is ended."""

from typing import Any

import pytest
from django.utils import timezone

from recovery import merchants, permissions, stripe_gateway
from recovery.models import Merchant, SigningSecret, StripeConnection
from recovery.stripe_errors import NotConnectedError
from tests.builders import DOCUMENTED_EXAMPLE, make_merchant, post
from tests.connected import KEY, down
from tests.local_stripe import LocalStripe
from tests.recovery.test_merchants import connect, endpoints

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant(local_stripe: LocalStripe) -> Merchant:
    merchant = make_merchant()
    connect(merchant)
    return merchant


def kept() -> dict[str, Any]:
    found: dict[str, Any] = {**StripeConnection.objects.values().get()}
    return found


def secrets() -> list[str]:
    return [row.secret for row in SigningSecret.objects.all()]


def answers(merchant: Merchant, secret: str, number: int) -> int:
    told = DOCUMENTED_EXAMPLE | {"id": f"evt_{number}"}
    return int(post(told, merchant=merchant, secret=secret).status_code)


# --- looked at ---------------------------------------------------------------------------------


def test_what_is_optional_and_missing_is_kept_and_looked_at_again(
    local_stripe: LocalStripe,
) -> None:
    local_stripe.world.restrict(KEY, missing=["rak_customer_write"])
    merchant = make_merchant()
    connect(merchant)
    assert list(merchants.missing_extras(merchant)) == ["rak_customer_write"]

    local_stripe.world.restrict(KEY, missing=["rak_charge_read"])
    now = timezone.now()

    assert merchants.look_again(merchant=merchant, now=now) == ["rak_charge_read"]
    assert kept()["missing_permissions"] == ["rak_charge_read"]
    assert kept()["permissions_checked_at"] == now
    assert kept()["api_key"] == KEY


def test_a_stripe_that_is_down_takes_no_permission_away(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kept()

    with down(local_stripe, monkeypatch), pytest.raises(merchants.ConnectError):
        merchants.look_again(merchant=merchant, now=timezone.now())

    assert kept() == before


def test_a_key_is_looked_at_without_being_kept(local_stripe: LocalStripe) -> None:
    make_merchant()
    local_stripe.world.restrict(KEY, missing=["rak_charge_read", "rak_customer_write"])

    assert merchants.probe(KEY) == ["rak_charge_read", "rak_customer_write"]
    assert kept()["api_key"] == ""


def test_a_refused_key_says_all_that_it_lacks(local_stripe: LocalStripe) -> None:
    local_stripe.world.restrict(KEY, missing=["rak_charge_read", "rak_customer_write"])

    with pytest.raises(merchants.MissingPermissionsError) as refused:
        connect(make_merchant())

    assert refused.value.missing == ["rak_charge_read", "rak_customer_write"]
    assert "rak_customer_write" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("rak_payment_intent_read", "Payment Intents: Read"),
        ("rak_charge_read", "Charges and Refunds: Read"),
        ("rak_customer_portal_write", "Customer portal: Write"),
        ("rak_webhook_write", "Webhook Endpoints: Write"),
        ("rak_invoice_write", "Invoices: Write"),
    ],
)
def test_a_permission_is_called_what_stripes_dashboard_calls_it(name: str, called: str) -> None:
    assert permissions.called(name) == called


def test_the_way_to_a_new_key_asks_for_all_of_them() -> None:
    address = permissions.address_of_new_key(livemode=False)

    assert address.startswith("https://dashboard.stripe.com/test/apikeys/create?name=Recover&")
    assert all(f"permissions%5B%5D={name}" in address for name in permissions.ALL)


# --- another secret ----------------------------------------------------------------------------


def test_a_replaced_secret_is_believed_at_once_and_no_older_one(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    old, by_hand = connect(merchant), secrets()[0]

    merchants.rotate_signing_secret(merchant=merchant)

    [new] = secrets()
    [endpoint] = endpoints(local_stripe)
    assert new not in {old, by_hand}
    assert (kept()["endpoint_id"], endpoint["url"]) == (
        endpoint["id"], merchants.webhook_url(merchant),
    )  # fmt: skip
    told = [answers(merchant, secret, number) for number, secret in enumerate([new, old, by_hand])]
    assert told == [200, 400, 400]


def test_a_secret_that_can_t_be_replaced_stays(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    before, old = kept(), secrets()
    local_stripe.faults.add("500", method="POST", path="/v1/webhook_endpoints", times=20)

    with pytest.raises(merchants.ConnectError):
        merchants.rotate_signing_secret(merchant=merchant)

    assert (kept(), secrets()) == (before, old)
    assert len(endpoints(local_stripe)) == 1


def test_connecting_again_after_a_replacement_keeps_the_new_secret(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    merchants.rotate_signing_secret(merchant=merchant)

    assert [connect(merchant)] == secrets()
    assert len(endpoints(local_stripe)) == 1


# --- the end -----------------------------------------------------------------------------------


def test_a_disconnected_merchant_keeps_no_key_and_believes_nobody(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    old, now = secrets(), timezone.now()

    assert merchants.disconnect(merchant=merchant, now=now) == ""

    row = kept()
    assert {row[name] for name in ("api_key", "account_id", "endpoint_id")} == {""}
    assert (row["disconnected_at"], row["livemode"]) == (now, False)
    assert endpoints(local_stripe) == []
    assert [answers(merchant, secret, 1) for secret in old] == [400, 400]
    with pytest.raises(NotConnectedError):
        stripe_gateway.of(merchant)


def test_an_account_that_was_given_up_can_be_connected_by_another_merchant(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    merchants.disconnect(merchant=merchant, now=timezone.now())
    other = make_merchant("Moss")

    connect(other)
    with pytest.raises(merchants.AccountTakenError):
        connect(merchant)

    assert other.stripe.is_connected


def test_a_merchant_is_connected_again(local_stripe: LocalStripe, merchant: Merchant) -> None:
    merchants.disconnect(merchant=merchant, now=timezone.now())

    secret = connect(merchant)

    assert merchant.stripe.is_connected
    assert answers(merchant, secret, 1) == 200


def test_without_stripe_the_key_is_forgotten_and_the_endpoint_named(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = merchant.stripe.endpoint_id

    with down(local_stripe, monkeypatch):
        left = merchants.disconnect(merchant=merchant, now=timezone.now())

    assert left == endpoint
    assert (kept()["api_key"], secrets()) == ("", [])


def test_an_endpoint_that_somebody_deleted_is_not_missed(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    local_stripe.world.realm_of(KEY).all("webhook_endpoint")[0]["_deleted"] = True

    assert merchants.disconnect(merchant=merchant, now=timezone.now()) == ""
