"""What Recover decides at Stripe: which card, whose retries, and how a debt ends."""

import pytest

from recovery.models import Merchant
from recovery.stripe_errors import MissingPermissionError, ObjectMissingError, RefusedError
from recovery.stripe_gateway import StripeGateway
from recovery.stripe_objects import PaymentMethod
from tests.local_stripe import LocalStripe
from tests.recovery.stories import KEY, realm


@pytest.fixture
def renewal(local_stripe: LocalStripe) -> dict[str, str]:
    return local_stripe.scenarios.renewal_fails(email="jo@example.com", key=KEY)


def test_a_payment_method_is_told_with_its_card_and_its_address(
    gateway: StripeGateway, renewal: dict[str, str]
) -> None:
    found = gateway.payment_method(renewal["payment_method"])

    assert found == PaymentMethod(
        id=renewal["payment_method"], type="card", brand="visa", last4="0341",
        fingerprint=found.fingerprint, country="US", expiry="2034-12",
        billing_email="jo@example.com",
    )  # fmt: skip
    assert len(found.fingerprint) == 16


def test_a_payment_method_that_is_not_there_is_missing(gateway: StripeGateway) -> None:
    with pytest.raises(ObjectMissingError, match="pm_nowhere"):
        gateway.payment_method("pm_nowhere")


LEVELS = [
    ("invoice", "default_payment_method"),
    ("invoice", "default_source"),
    ("subscription", "default_payment_method"),
    ("subscription", "default_source"),
    ("customer", "invoice_settings"),
    ("customer", "default_source"),
]


@pytest.mark.parametrize("first", range(len(LEVELS)))
def test_the_first_level_that_names_a_card_is_the_one_that_stripe_would_charge(
    local_stripe: LocalStripe, gateway: StripeGateway, renewal: dict[str, str], first: int
) -> None:
    customer = realm(local_stripe).tables["customer"][renewal["customer"]]
    customer["invoice_settings"] = {**customer["invoice_settings"], "default_payment_method": None}
    for number, (kind, field) in enumerate(LEVELS[first:], first):
        named = f"pm_{number}"
        if field == "invoice_settings":
            customer[field] = {**customer[field], "default_payment_method": named}
        else:
            realm(local_stripe).tables[kind][renewal[kind]][field] = named

    invoice = gateway.invoice(renewal["invoice"])

    assert gateway.method_to_charge(invoice) == f"pm_{first}"


def test_where_nobody_named_a_card_there_is_none_to_charge(
    local_stripe: LocalStripe, gateway: StripeGateway, renewal: dict[str, str]
) -> None:
    customer = realm(local_stripe).tables["customer"][renewal["customer"]]
    customer["invoice_settings"] = {**customer["invoice_settings"], "default_payment_method": None}

    assert gateway.method_to_charge(gateway.invoice(renewal["invoice"])) == ""


@pytest.mark.parametrize("with_customer", [True, False])
def test_a_one_time_payment_is_charged_to_the_customers_own_card(
    local_stripe: LocalStripe, gateway: StripeGateway, with_customer: bool
) -> None:
    ids = local_stripe.scenarios.one_time_fails(with_customer=with_customer, key=KEY)
    saved = ""
    if with_customer:
        saved = local_stripe.scenarios.new_card(customer=ids["customer"])["payment_method"]

    intent = gateway.payment_intent(ids["payment_intent"])

    assert gateway.method_to_charge(intent) == saved


def test_an_invoice_of_no_subscription_is_charged_to_the_customers_card(
    local_stripe: LocalStripe, gateway: StripeGateway, renewal: dict[str, str]
) -> None:
    realm(local_stripe).tables["invoice"][renewal["invoice"]]["_subscription"] = None
    realm(local_stripe).tables["invoice"][renewal["invoice"]]["parent"] = None

    invoice = gateway.invoice(renewal["invoice"])

    assert invoice.subscription_id == ""
    assert gateway.method_to_charge(invoice) == renewal["payment_method"]


def test_stripes_retries_are_stopped_and_stripe_confirms_it(
    local_stripe: LocalStripe, gateway: StripeGateway, renewal: dict[str, str]
) -> None:
    assert gateway.invoice(renewal["invoice"]).next_payment_attempt_at is not None

    stopped = gateway.stop_retries(renewal["invoice"])

    assert (stopped.status, stopped.next_payment_attempt_at) == ("open", None)
    local_stripe.clock.advance(days=40)
    assert gateway.invoice(renewal["invoice"]).attempt_count == 1


def test_stopping_retries_again_asks_stripe_again_and_not_its_memory(
    local_stripe: LocalStripe, gateway: StripeGateway, renewal: dict[str, str]
) -> None:
    gateway.stop_retries(renewal["invoice"])
    scheduled = int(local_stripe.world.time.now()) + 3600
    invoice = realm(local_stripe).tables["invoice"][renewal["invoice"]]
    invoice |= {"auto_advance": True, "next_payment_attempt": scheduled}

    assert gateway.stop_retries(renewal["invoice"]).next_payment_attempt_at is None

    asked = [one for one in local_stripe.requests if one.method == "POST"]
    assert len({one.headers["idempotency-key"] for one in asked}) == 2
    assert [one.is_replayed for one in asked] == [False, False]


def test_an_invoice_is_written_off_once(gateway: StripeGateway, renewal: dict[str, str]) -> None:
    assert gateway.mark_uncollectible(renewal["invoice"]).status == "uncollectible"

    with pytest.raises(RefusedError, match="only mark open invoices"):
        gateway.mark_uncollectible(renewal["invoice"])


def test_a_subscription_is_canceled_once_and_its_invoice_stays_open(
    gateway: StripeGateway, renewal: dict[str, str]
) -> None:
    gateway.cancel_subscription(renewal["subscription"])

    invoice = gateway.invoice(renewal["invoice"])
    assert (invoice.status, invoice.next_payment_attempt_at) == ("open", None)
    with pytest.raises(ObjectMissingError):
        gateway.cancel_subscription(renewal["subscription"])


@pytest.mark.parametrize(
    ("permission", "decide"),
    [
        ("rak_payment_method_read", "payment_method"),
        ("rak_invoice_write", "stop_retries"),
        ("rak_invoice_write", "mark_uncollectible"),
        ("rak_subscription_write", "cancel_subscription"),
    ],
)
def test_a_key_that_may_not_decide_is_told_which_permission_it_lacks(
    local_stripe: LocalStripe, merchant: Merchant, gateway: StripeGateway, permission: str,
    decide: str,
) -> None:  # fmt: skip
    local_stripe.world.restrict(KEY, missing={permission})

    with pytest.raises(MissingPermissionError) as error:
        getattr(gateway, decide)("some_id")

    assert error.value.permission == permission
