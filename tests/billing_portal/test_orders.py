"""A one-time payment is charged to a new card only where its buyer came for it: who is asked again
at the shop may have bought by another payment since, which nobody can match with this one."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing_portal.tasks import charge_new_cards
from recovery.models import Customer, Merchant, RecoveryCase
from tests.billing_portal.visits import Visit, stripe_customer
from tests.connected import KEY, charges, fail_renewal, hear
from tests.local_stripe import LocalStripe
from tests.recovery.purchases import failed_purchase

pytestmark = pytest.mark.django_db(transaction=True)
SETTLING = timedelta(minutes=30)


@pytest.fixture
def order(local_stripe: LocalStripe, merchant: Merchant) -> RecoveryCase:
    return failed_purchase(local_stripe, merchant)


def save_card(local_stripe: LocalStripe, case: RecoveryCase) -> None:
    local_stripe.scenarios.new_card(customer=stripe_customer(case))


def confirmed(local_stripe: LocalStripe) -> list[str]:
    """The PaymentIntents that Recover asked Stripe to charge."""
    asked = [one.path.split("/") for one in local_stripe.requests]
    return [path[3] for path in asked if path[-1] == "confirm"]


def settle(order: RecoveryCase) -> None:
    """Nobody is typing any more."""
    assert order.settles_at == order.failed_at + SETTLING
    RecoveryCase.objects.filter(pk=order.pk).update(settles_at=timezone.now())


@pytest.mark.parametrize("has_settled", [False, True])
def test_a_card_that_its_buyer_saves_for_something_else_is_not_charged_for_it(
    local_stripe: LocalStripe, order: RecoveryCase, has_settled: bool
) -> None:
    if has_settled:
        settle(order)
    save_card(local_stripe, order)
    hear(local_stripe)

    charge_new_cards()

    assert confirmed(local_stripe) == []
    order.refresh_from_db()
    assert order.status == "open"
    assert not Customer.objects.filter(new_payment_method_due_at__isnull=False).exists()


def test_a_buyer_who_set_out_to_pay_it_and_never_came_back_is_charged_by_the_webhook(
    local_stripe: LocalStripe, order: RecoveryCase
) -> None:
    local_stripe.world.restrict(KEY, missing=["rak_checkout_session_write"])
    assert Visit(order).set_out() == 303
    save_card(local_stripe, order)
    hear(local_stripe)

    charge_new_cards()

    assert confirmed(local_stripe) == [order.stripe_payment_intent_id]


@pytest.mark.parametrize(
    ("has_settled", "charged"), [(False, ["invoice"]), (True, ["order", "invoice"])]
)
def test_who_comes_back_for_something_else_pays_it_once_they_may_have_been_told_of_it(
    local_stripe: LocalStripe, order: RecoveryCase, has_settled: bool, charged: list[str]
) -> None:
    renewal = fail_renewal(local_stripe)
    RecoveryCase.objects.filter(pk=renewal.pk).update(customer=order.customer)
    if has_settled:
        settle(order)
    sam = Visit(RecoveryCase.objects.get(pk=renewal.pk))
    sam.set_out()
    save_card(local_stripe, order)

    sam.come_back()

    names = {order.stripe_payment_intent_id: "order", renewal.stripe_invoice_id: "invoice"}
    asked = [*confirmed(local_stripe), *charges(local_stripe)]
    assert [names[debt] for debt in asked] == charged
