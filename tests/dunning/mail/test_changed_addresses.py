"""A customer who has moved to another address is written to there, whatever old invoices say."""

import pytest

from recovery.models import RecoveryCase
from tests.connected import ask, fail_renewal, hear
from tests.local_stripe import LocalStripe

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def case(local_stripe: LocalStripe, merchant: object) -> RecoveryCase:
    return fail_renewal(local_stripe, reason="generic_decline", email="old@example.com")


def test_the_address_that_an_invoice_keeps_does_not_come_back_with_its_next_failure(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    assert case.customer
    local_stripe.clock.advance(hours=1)
    ask(
        local_stripe, "POST", f"customers/{case.customer.stripe_customer_id}",
        email="new@example.com",
    )  # fmt: skip
    local_stripe.clock.advance(days=2)
    hear(local_stripe)

    case.refresh_from_db()
    case.customer.refresh_from_db()
    assert case.attempt_count == 2
    assert (case.customer.email, case.customer.alternate_email) == (
        "new@example.com", "old@example.com",
    )  # fmt: skip
