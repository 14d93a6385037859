"""A renewal that no payment method is there for: nobody declined it, and nobody says that."""

import pytest
from django.utils import timezone

from recovery import enrichment
from recovery.models import Merchant, RecoveryCase
from recovery.stripe_gateway import StripeGateway
from recovery.stripe_objects import NO_PAYMENT_METHOD
from tests.builders import receive
from tests.local_stripe import LocalStripe
from tests.recovery.stories import KEY, realm, stripe_is_down, told, told_on

SENTENCE = "The payment could not be tried: there is no payment method on file."


@pytest.fixture
def renewal(local_stripe: LocalStripe) -> dict[str, str]:
    """The ids of a renewal whose customer took the card away before."""
    ids = local_stripe.scenarios.subscriber(email="jo@example.com", key=KEY)
    customer = realm(local_stripe).tables["customer"][ids["customer"]]
    customer["invoice_settings"] = {**customer["invoice_settings"], "default_payment_method": None}
    return ids | local_stripe.scenarios.renews(subscription=ids["subscription"], key=KEY)


def test_an_attempt_without_anything_to_charge_says_so(
    gateway: StripeGateway, renewal: dict[str, str]
) -> None:
    invoice = gateway.invoice(renewal["invoice"])

    assert (invoice.attempted, invoice.status) == (True, "open")
    assert invoice.failure == NO_PAYMENT_METHOD


def test_with_a_card_on_file_since_nobody_can_say_why_it_failed(
    local_stripe: LocalStripe, gateway: StripeGateway, renewal: dict[str, str]
) -> None:
    local_stripe.scenarios.new_card(customer=renewal["customer"])

    assert gateway.invoice(renewal["invoice"]).failure is None


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("invoice", {"status": "void"}),
        ("invoice", {"attempted": False}),
        ("invoice", {"collection_method": "send_invoice"}),
        ("payment_intent", {"status": "processing"}),
        ("payment_intent", {"latest_charge": "ch_1"}),
    ],
)
def test_what_is_not_such_an_attempt_has_no_such_reason(
    local_stripe: LocalStripe, gateway: StripeGateway, renewal: dict[str, str], kind: str,
    fields: dict[str, object],
) -> None:  # fmt: skip
    if "latest_charge" in fields:
        charge = next(iter(realm(local_stripe).tables["charge"]))
        fields = {"latest_charge": charge}
    realm(local_stripe).tables[kind][renewal[kind]].update(fields)

    assert gateway.invoice(renewal["invoice"]).failure is None


@pytest.mark.parametrize("permission", ["rak_subscription_read", "rak_customer_read"])
def test_a_key_that_may_not_look_knows_no_reason(
    local_stripe: LocalStripe, gateway: StripeGateway, renewal: dict[str, str], permission: str
) -> None:
    local_stripe.world.restrict(KEY, missing=[permission])

    assert gateway.invoice(renewal["invoice"]).failure is None


def test_an_invoice_without_a_payment_is_left_unexplained(
    local_stripe: LocalStripe, gateway: StripeGateway, renewal: dict[str, str]
) -> None:
    realm(local_stripe).tables["invoice_payment"].clear()

    assert gateway.invoice(renewal["invoice"]).failure is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_down", [False, True])
def test_its_case_is_the_customers_to_act_on_and_nothing_is_called_declined(
    local_stripe: LocalStripe, merchant: Merchant, renewal: dict[str, str], is_down: bool
) -> None:
    [failed] = told(local_stripe, "invoice.payment_failed")
    if is_down:
        with stripe_is_down(local_stripe):
            receive(failed)
        case = RecoveryCase.objects.get()
        assert case.decline_code == ""
        assert enrichment.enrich(case, now=timezone.now())
    else:
        receive(failed)

    case = RecoveryCase.objects.get()
    assert (case.decline_type, case.decline_code) == ("hard", "no_payment_method")
    assert case.payment_method_id == ""
    first = "The payment failed: no reason known yet." if is_down else SENTENCE
    assert ("attempt_failed", first) in told_on(case)
    assert [summary for _kind, summary in told_on(case) if "declined" in summary] == []


@pytest.mark.django_db(transaction=True)
def test_told_again_it_stays_one_attempt(
    local_stripe: LocalStripe, merchant: Merchant, renewal: dict[str, str]
) -> None:
    [failed] = told(local_stripe, "invoice.payment_failed")
    for number in range(3):
        receive(failed | {"id": f"evt_{number}"})

    case = RecoveryCase.objects.get()
    assert case.attempts.count() == 1
    assert [summary for kind, summary in told_on(case) if kind == "attempt_failed"] == [SENTENCE]
