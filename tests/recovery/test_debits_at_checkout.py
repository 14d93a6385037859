"""What was paid at Checkout by direct debit, and refused by the bank days later."""

import pytest
from django.utils import timezone

from recovery import settling
from recovery.models import Merchant, RecoveryCase
from recovery.tasks import look_after_checkouts
from tests.local_stripe import LocalStripe
from tests.recovery.purchases import (
    GOOD,
    age_checkouts,
    failed_purchase,
    sessions,
    set_out,
    standing,
    states,
    takes_days,
    type_in,
)
from tests.recovery.stories import realm

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(local_stripe: LocalStripe, merchant: Merchant) -> RecoveryCase:
    return failed_purchase(local_stripe, merchant)


def test_who_paid_by_a_debit_that_the_bank_refused_days_later_may_pay_again(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase
) -> None:
    type_in(set_out(case), GOOD)
    takes_days(local_stripe)
    bounced = realm(local_stripe).all("payment_intent")[-1]
    bounced["status"] = "requires_payment_method"

    second = set_out(case)

    assert (sessions(local_stripe), states(case)) == (["complete", "open"], ["closed", "open"])
    assert type_in(second, GOOD) == 303
    settling.settle(case=case, now=timezone.now())
    assert standing(case) == ("recovered", "customer_paid", 2500)


def test_a_page_whose_debit_the_bank_refused_is_looked_at_no_more(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase
) -> None:
    type_in(set_out(case), GOOD)
    takes_days(local_stripe)
    realm(local_stripe).all("payment_intent")[-1]["status"] = "requires_payment_method"
    age_checkouts(days=3)

    look_after_checkouts()

    assert states(case) == ["closed"]
    case.refresh_from_db()
    assert (case.status, case.is_payment_under_way) == ("open", False)
