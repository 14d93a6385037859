"""Money that goes back, also by another payment than an invoice's first: no event says whose."""

import pytest
from django.utils import timezone

from recovery.models import Merchant, RecoveryCase, StripeEvent
from recovery.tasks import process_inbox
from tests.builders import event, make_merchant, receive
from tests.local_stripe import LocalStripe
from tests.recovery.stories import failed_renewal, realm, sdk, stripe_is_down, told

pytestmark = pytest.mark.django_db


def paid_and_refunded(local_stripe: LocalStripe, merchant: Merchant) -> RecoveryCase:
    """Recovered; that the money went back isn't heard yet."""
    case = failed_renewal(local_stripe, merchant)
    local_stripe.scenarios.pay(invoice=case.stripe_invoice_id)
    charge_id = realm(local_stripe).all("charge")[-1]["id"]
    receive(*told(local_stripe, "invoice.paid"))
    sdk(merchant).refunds.create({"charge": charge_id})
    return case


@pytest.mark.parametrize("first", ["", "pi_of_the_first_try"], ids=["the same", "another"])
def test_a_refund_of_a_real_charge_finds_the_case_by_its_payment(
    local_stripe: LocalStripe, merchant: Merchant, first: str
) -> None:
    """An invoice may be paid by another PaymentIntent than it failed by."""
    case = paid_and_refunded(local_stripe, merchant)
    if first:
        RecoveryCase.objects.update(stripe_payment_intent_id=first)

    receive(*told(local_stripe, "charge.refunded"))

    case.refresh_from_db()
    assert (case.status, case.reason) == ("voided", "refunded")


def test_a_part_payment_that_goes_back_leaves_the_case_as_it_is(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = paid_and_refunded(local_stripe, merchant)
    RecoveryCase.objects.update(stripe_payment_intent_id="pi_of_the_first_try")
    [refunded] = told(local_stripe, "charge.refunded")
    refunded["data"]["object"] |= {"amount": 100, "amount_refunded": 100}

    receive(refunded)

    case.refresh_from_db()
    assert (case.status, case.amount_refunded) == ("recovered", 0)


@pytest.mark.parametrize("is_stranger", [True, False])
def test_stripe_is_asked_of_a_refund_only_where_a_payment_of_the_customers_ever_failed(
    local_stripe: LocalStripe, merchant: Merchant, is_stranger: bool
) -> None:
    case = failed_renewal(local_stripe, merchant)
    assert case.customer
    local_stripe.requests.clear()
    whose = "cus_stranger" if is_stranger else case.customer.stripe_customer_id
    charge_of = {"id": "ch_1", "payment_intent": "pi_1", "customer": whose, "amount": 900}

    receive(event("charge.refunded", charge_of | {"amount_refunded": 900}))

    assert [one.path for one in local_stripe.requests] == (
        [] if is_stranger else ["/v1/invoice_payments"]
    )


def test_a_refund_that_can_t_be_asked_about_now_is_asked_about_again(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = paid_and_refunded(local_stripe, merchant)
    RecoveryCase.objects.update(stripe_payment_intent_id="pi_of_the_first_try")
    with stripe_is_down(local_stripe):
        receive(*told(local_stripe, "charge.refunded"))
    case.refresh_from_db()
    assert case.status == "recovered"

    StripeEvent.objects.filter(state="pending").update(due_at=timezone.now())
    process_inbox()

    case.refresh_from_db()
    assert (case.status, case.reason) == ("voided", "refunded")


@pytest.mark.parametrize("type_", ["charge.refunded", "charge.dispute.created"])
def test_what_never_failed_and_goes_back_is_nobodys(type_: str) -> None:
    make_merchant()
    receive(event(type_, {"id": "ch_1", "payment_intent": "pi_1", "amount": 900}))
    assert list(StripeEvent.objects.values_list("state", flat=True)) == ["processed"]
    assert not RecoveryCase.objects.exists()
