"""The one door to Stripe: what it sends, how long it waits, and what each trouble is called."""

import time
from collections.abc import Callable

import pytest
import stripe
from django.utils import timezone
from pytest_django import Settings

from recovery import stripe_gateway
from recovery.models import Merchant
from recovery.stripe_errors import (
    MissingPermissionError,
    NotConnectedError,
    ObjectMissingError,
    StripeUnavailableError,
)
from recovery.stripe_gateway import StripeGateway, wire
from recovery.stripe_objects import Charged
from tests.builders import make_merchant
from tests.local_stripe import LocalStripe
from tests.recovery.stories import KEY, asked_for_money, realm

NOTHING_LISTENS = "http://127.0.0.1:1"


def pay(gateway: StripeGateway, invoice: str, method: str = "pm_card_visa") -> Charged:
    return gateway.pay_invoice(
        invoice, payment_method_id=method, key="key_1", is_customer_present=True
    )


# --- how it asks ------------------------------------------------------------------------------


def test_every_request_names_the_pinned_version_whatever_the_accounts_own_is(
    local_stripe: LocalStripe, gateway: StripeGateway, renewal: dict[str, str]
) -> None:
    gateway.invoice(renewal["invoice"])
    gateway.customer(renewal["customer"])

    versions = {one.headers["stripe-version"] for one in local_stripe.requests}
    assert versions == {"2026-10-28.endive"}


def test_the_sdk_sends_no_telemetry() -> None:
    assert stripe.enable_telemetry is False


def test_a_request_may_take_three_seconds_to_connect_and_fifteen_to_be_answered() -> None:
    assert stripe_gateway.http()._timeout == (3.05, 15)
    assert stripe_gateway.http() is stripe_gateway.http()  # one pool for all merchants


def test_a_stripe_that_does_not_answer_in_time_is_unavailable(
    local_stripe: LocalStripe, gateway: StripeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe_gateway.http(), "_timeout", (0.2, 0.2))
    local_stripe.faults.add("timeout", times=9, seconds=5)
    began_at = time.monotonic()

    with pytest.raises(StripeUnavailableError):
        gateway.customer("cus_1")

    assert time.monotonic() - began_at < 3
    assert len(local_stripe.requests) == 3  # the first and two retries


@pytest.mark.django_db
def test_connected_accounts_are_asked_with_the_platforms_key(
    local_stripe: LocalStripe, settings: Settings
) -> None:
    settings.STRIPE_API_KEY = "sk_test_platform"
    platform = local_stripe.world.account_of("sk_test_platform")
    local_stripe.world.open_account("acct_fern", platform=platform.id)
    ids = local_stripe.scenarios.subscriber(key="sk_test_platform", stripe_account="acct_fern")
    merchant = make_merchant()
    merchant.stripe.account_id = "acct_fern"
    merchant.stripe.save()

    found = stripe_gateway.of(merchant).customer(ids["customer"])

    assert found.email == "jane@example.com"
    assert local_stripe.requests[-1].headers["stripe-account"] == "acct_fern"


@pytest.mark.django_db
def test_a_merchant_with_a_key_of_its_own_is_asked_with_that(
    local_stripe: LocalStripe, merchant: Merchant, settings: Settings
) -> None:
    settings.STRIPE_API_KEY = "sk_test_platform"
    merchant.stripe.account_id = "acct_fern"
    ids = local_stripe.scenarios.subscriber(key=KEY)

    assert stripe_gateway.of(merchant).customer(ids["customer"]).id == ids["customer"]
    assert "stripe-account" not in local_stripe.requests[-1].headers


@pytest.mark.django_db
def test_a_merchant_without_key_and_account_is_not_connected(settings: Settings) -> None:
    settings.STRIPE_API_KEY = "sk_test_platform"
    with pytest.raises(NotConnectedError, match="has no Stripe key"):
        stripe_gateway.of(make_merchant())


@pytest.mark.django_db
def test_an_account_is_out_of_reach_without_the_platforms_key(settings: Settings) -> None:
    merchant = make_merchant()
    merchant.stripe.account_id = "acct_fern"
    with pytest.raises(NotConnectedError, match="has no Stripe key"):
        stripe_gateway.of(merchant)


def test_a_disconnected_merchant_is_not_asked_for_even_with_a_key(merchant: Merchant) -> None:
    merchant.stripe.disconnected_at = timezone.now()
    with pytest.raises(NotConnectedError, match="was disconnected"):
        stripe_gateway.of(merchant)


# --- what goes wrong --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["reset", "lost_response", "429", "500", "409", "lock_timeout"])
def test_trouble_that_passes_is_unavailability(
    local_stripe: LocalStripe, gateway: StripeGateway, renewal: dict[str, str], kind: str
) -> None:
    local_stripe.faults.add(kind, times=3)
    with pytest.raises(StripeUnavailableError):
        gateway.customer(renewal["customer"])


@pytest.mark.parametrize("kind", ["reset", "500", "409", "lock_timeout"])
def test_trouble_that_passes_at_once_is_not_noticed(
    local_stripe: LocalStripe, gateway: StripeGateway, renewal: dict[str, str], kind: str
) -> None:
    local_stripe.faults.add(kind, times=2)
    assert gateway.customer(renewal["customer"]).id == renewal["customer"]


def test_nothing_that_listens_is_unavailability(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0)
    settings.STRIPE_API_BASE = NOTHING_LISTENS
    with pytest.raises(StripeUnavailableError):
        StripeGateway(api_key=KEY).customer("cus_1")


def test_an_idempotency_key_in_use_is_unavailability_and_charges_nothing(
    local_stripe: LocalStripe, gateway: StripeGateway, renewal: dict[str, str]
) -> None:
    local_stripe.faults.add("409", path="*/pay", times=9)

    with pytest.raises(StripeUnavailableError, match="another in-progress request"):
        pay(gateway, renewal["invoice"])

    assert asked_for_money(local_stripe) == [409, 409, 409]
    assert realm(local_stripe).tables["invoice"][renewal["invoice"]]["status"] == "open"


def test_a_key_used_for_another_question_leaves_unknown_what_became_of_the_first(
    local_stripe: LocalStripe, gateway: StripeGateway, renewal: dict[str, str]
) -> None:
    pay(gateway, renewal["invoice"], "pm_card_declines_do_not_honor")
    with pytest.raises(StripeUnavailableError, match="same parameters"):
        pay(gateway, renewal["invoice"], "pm_card_visa")
    assert realm(local_stripe).tables["invoice"][renewal["invoice"]]["status"] == "open"


@pytest.mark.parametrize("key", ["", "sk_test_", "nonsense"])
def test_a_key_that_stripe_does_not_accept_is_not_connected(
    local_stripe: LocalStripe, key: str
) -> None:
    with pytest.raises(NotConnectedError, match=r"^Stripe doesn't accept the key\.$"):
        StripeGateway(api_key=key or "x").customer("cus_1")


def test_a_revoked_key_is_not_connected(local_stripe: LocalStripe, gateway: StripeGateway) -> None:
    local_stripe.world.account_of(KEY)
    local_stripe.world.revoke(KEY)
    with pytest.raises(NotConnectedError):
        gateway.customer("cus_1")


def test_a_missing_permission_is_named(local_stripe: LocalStripe, gateway: StripeGateway) -> None:
    local_stripe.world.restrict(KEY, missing={"rak_customer_read"})
    with pytest.raises(MissingPermissionError) as refused:
        gateway.customer("cus_1")
    assert refused.value.permission == "rak_customer_read"
    assert str(refused.value) == "The Stripe key lacks the permission rak_customer_read."


def test_an_account_that_took_its_access_back_lacks_a_permission_without_a_name(
    local_stripe: LocalStripe,
) -> None:
    with pytest.raises(MissingPermissionError) as refused:
        StripeGateway(api_key=KEY, account="acct_gone").customer("cus_1")
    assert refused.value.permission == ""


@pytest.mark.parametrize(
    "ask",
    [
        lambda stripe: stripe.invoice("in_0"),
        lambda stripe: stripe.payment_intent("pi_0"),
        lambda stripe: stripe.customer("cus_0"),
        lambda stripe: stripe.delete_endpoint("we_0"),
        lambda stripe: pay(stripe, "in_0"),
        lambda stripe: stripe.portal_session(
            customer_id="cus_0",
            configuration_id="",
            return_url="http://127.0.0.1/",
            done_url="http://127.0.0.1/done",
        ),
    ],
)
def test_what_stripe_does_not_know_is_missing(
    gateway: StripeGateway, ask: Callable[[StripeGateway], object]
) -> None:
    with pytest.raises(ObjectMissingError, match="No such"):
        ask(gateway)


def test_a_refusal_carries_stripes_words_and_none_of_the_body(
    local_stripe: LocalStripe, gateway: StripeGateway, renewal: dict[str, str]
) -> None:
    stranger = local_stripe.scenarios.subscriber(email="al@x.org", key=KEY)["payment_method"]
    with pytest.raises(ObjectMissingError) as refused:
        pay(gateway, renewal["invoice"], stranger)
    [message] = refused.value.args
    assert message == (
        f"The customer does not have a payment method with the ID {stranger}. "
        "The payment method must be attached to the customer."
    )
    assert refused.value.__cause__ is None


# --- what it makes of the answers -------------------------------------------------------------


def test_an_invoice_comes_with_why_its_newest_payment_failed(
    gateway: StripeGateway, renewal: dict[str, str]
) -> None:
    invoice = gateway.invoice(renewal["invoice"])

    assert (invoice.id, invoice.status, invoice.amount_owed) == (renewal["invoice"], "open", 4900)
    assert invoice.payment_intent_id == renewal["payment_intent"]
    assert invoice.failure is not None
    assert invoice.failure.decline.best_code == "expired_card"
    assert invoice.failure.charge_id.startswith("ch_")


def test_an_invoice_that_nobody_tried_to_charge_has_no_failure(
    gateway: StripeGateway, renewal: dict[str, str]
) -> None:
    draft = gateway._client.v1.invoices.create({"customer": renewal["customer"]})
    invoice = gateway.invoice(draft.id)
    assert (invoice.status, invoice.payment_intent_id, invoice.failure) == ("draft", "", None)


def test_a_payment_intent_tells_its_invoice_and_a_one_time_payment_has_none(
    local_stripe: LocalStripe, gateway: StripeGateway, renewal: dict[str, str]
) -> None:
    one_time = local_stripe.scenarios.one_time_fails(key=KEY)
    assert gateway.invoice_of(renewal["payment_intent"]) == renewal["invoice"]
    assert gateway.invoice_of(one_time["payment_intent"]) == ""


def test_a_deleted_customer_is_returned_as_deleted(
    gateway: StripeGateway, renewal: dict[str, str]
) -> None:
    gateway._client.v1.customers.delete(renewal["customer"])
    customer = gateway.customer(renewal["customer"])
    assert (customer.id, customer.is_deleted, customer.email) == (renewal["customer"], True, "")


def test_failed_open_invoices_are_listed_oldest_first(
    local_stripe: LocalStripe, gateway: StripeGateway, renewal: dict[str, str]
) -> None:
    second = local_stripe.scenarios.renews(subscription=renewal["subscription"], key=KEY)
    sent = gateway._client.v1.invoices.create(
        {"customer": renewal["customer"], "collection_method": "send_invoice", "days_until_due": 9}
    )
    gateway._client.v1.invoices.finalize_invoice(sent.id)

    found = [invoice.id for invoice in gateway.open_invoices(renewal["customer"])]

    assert found == [renewal["invoice"], second["invoice"]]
    assert gateway.open_invoices("cus_of_nobody") == []


def test_an_account_that_the_key_may_not_ask_for_is_named_by_stripes_refusal_or_not_at_all(
    local_stripe: LocalStripe, gateway: StripeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = local_stripe.world.account_of(KEY).id
    assert gateway.account() == ours
    local_stripe.world.restrict(KEY, missing={"rak_connected_account_read"})
    assert gateway.account() == ours

    monkeypatch.setattr(wire, "_named", lambda _error: MissingPermissionError(""))
    assert gateway.account() == ""


def test_a_portal_configuration_of_the_merchants_own_is_left_alone(
    local_stripe: LocalStripe, gateway: StripeGateway
) -> None:
    own = local_stripe.scenarios.portal_default(key=KEY)["configuration"]

    made = gateway.ensure_portal_configuration()

    assert made != own
    assert gateway.ensure_portal_configuration() == made


def test_a_portal_session_updates_the_card_and_comes_back(
    local_stripe: LocalStripe, gateway: StripeGateway, renewal: dict[str, str]
) -> None:
    address = gateway.portal_session(
        customer_id=renewal["customer"],
        configuration_id=gateway.ensure_portal_configuration(),
        return_url="http://127.0.0.1/back",
        done_url="http://127.0.0.1/done",
    )

    assert address.startswith(local_stripe.url)
    asked = local_stripe.requests[-1].params
    assert asked["flow_data"]["type"] == "payment_method_update"
    assert asked["return_url"] == "http://127.0.0.1/back"
    assert asked["flow_data"]["after_completion"]["redirect"]["return_url"] == (
        "http://127.0.0.1/done"
    )
    assert "locale" not in asked


def test_a_portal_session_speaks_the_language_that_the_customer_chose(
    local_stripe: LocalStripe, gateway: StripeGateway, renewal: dict[str, str]
) -> None:
    gateway.portal_session(
        customer_id=renewal["customer"],
        configuration_id=gateway.ensure_portal_configuration(),
        return_url="http://127.0.0.1/back",
        done_url="http://127.0.0.1/done",
        locale="pt",
    )

    assert local_stripe.requests[-1].params["locale"] == "pt"
