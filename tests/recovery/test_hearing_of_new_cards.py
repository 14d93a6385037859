"""A new card is noticed in whatever order it is told of."""

import pytest

from recovery.models import Customer, Merchant
from tests.builders import receive
from tests.local_stripe import LocalStripe
from tests.recovery.stories import KEY, failed_renewal, new_card, sdk, told
from tests.recovery.test_customers import waiting_card

pytestmark = pytest.mark.django_db


def test_an_old_event_of_a_subscription_does_not_bring_an_old_card_back(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    known = len(told(local_stripe, "customer.subscription.updated"))
    cards = [new_card(local_stripe, case, "pm_card_visa"), new_card(local_stripe, case)]
    for card in cards:
        sdk(merchant).subscriptions.update(
            case.stripe_subscription_id, {"default_payment_method": card}
        )
    first, second = told(local_stripe, "customer.subscription.updated")[known:]
    assert first["data"]["object"]["default_payment_method"] == cards[0]

    receive(second)
    receive(first)

    assert waiting_card() == (cards[1], True)


@pytest.mark.parametrize("type_", ["customer.updated", "customer.subscription.updated"])
def test_a_new_card_that_is_heard_of_before_the_failure_is_charged_all_the_same(
    local_stripe: LocalStripe, merchant: Merchant, type_: str
) -> None:
    ids = local_stripe.scenarios.renewal_fails(key=KEY)
    known = len(told(local_stripe, type_))
    method = local_stripe.scenarios.new_card(customer=ids["customer"])["payment_method"]
    sdk(merchant).subscriptions.update(ids["subscription"], {"default_payment_method": method})

    receive(*told(local_stripe, type_)[known:])
    assert Customer.objects.count() == 0
    receive(*told(local_stripe, "invoice.payment_failed"))

    assert waiting_card() == (method, True)


def test_a_card_that_was_saved_before_the_failure_is_no_new_one(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    local_stripe.scenarios.renewal_fails(key=KEY)

    receive(*told(local_stripe, "customer.updated", "invoice.payment_failed"))

    assert waiting_card() == ("", False)
