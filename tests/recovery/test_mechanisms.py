"""How the money came back, told from what is known of the payment."""

import itertools

import pytest

from recovery.mechanisms import AttemptTrigger, Mechanism, PaymentFacts, explain
from recovery.models import Merchant, RecoveryCase
from tests.builders import receive
from tests.local_stripe import LocalStripe
from tests.recovery.stories import KEY, told

STRIPE, RECOVER = AttemptTrigger.STRIPE, AttemptTrigger.RECOVER
CUSTOMER, OPERATOR = AttemptTrigger.CUSTOMER, AttemptTrigger.OPERATOR


@pytest.mark.parametrize(
    ("is_out_of_band", "ours", "failed", "paid", "expected"),
    [
        (False, set(), 1, 2, "stripe_retry"),
        (False, set(), 0, 0, "stripe_retry"),
        (False, set(), 0, 1, "stripe_retry"),
        (False, set(), 2, 0, "stripe_retry"),  # Stripe gave no count: nothing is concluded
        (False, {STRIPE}, 1, 2, "stripe_retry"),
        (False, set(), 1, 1, "customer_paid"),
        (False, set(), 3, 2, "customer_paid"),  # the count is from another delivery
        (False, {STRIPE}, 1, 1, "customer_paid"),
        (False, {RECOVER}, 1, 1, "recover_retry"),
        (False, {OPERATOR}, 1, 1, "recover_retry"),
        (False, {CUSTOMER}, 1, 1, "card_update"),
        (False, {CUSTOMER, RECOVER, OPERATOR}, 1, 2, "card_update"),
        (True, {CUSTOMER, RECOVER}, 1, 1, "out_of_band"),
        (True, set(), 1, 2, "out_of_band"),
    ],
)
def test_a_payment_is_explained(
    is_out_of_band: bool, ours: set[AttemptTrigger], failed: int, paid: int, expected: str
) -> None:
    facts = PaymentFacts(
        is_out_of_band=is_out_of_band,
        our_attempts=frozenset(ours),
        attempt_count_when_failed=failed,
        attempt_count_when_paid=paid,
    )

    assert explain(facts) == expected


@pytest.mark.parametrize(
    ("is_out_of_band", "expected"), [(False, "customer_paid"), (True, "out_of_band")]
)
def test_who_paid_at_checkout_paid_by_hand_whatever_was_tried_before(
    is_out_of_band: bool, expected: str
) -> None:
    facts = PaymentFacts(
        is_out_of_band=is_out_of_band,
        our_attempts=frozenset({CUSTOMER, RECOVER}),
        attempt_count_when_failed=0,
        attempt_count_when_paid=0,
        is_through_checkout=True,
    )

    assert explain(facts) == expected


def test_stripe_never_tries_a_one_time_payment_again() -> None:
    facts = PaymentFacts(
        is_out_of_band=False, our_attempts=frozenset(), attempt_count_when_failed=0,
        attempt_count_when_paid=0, is_one_time=True,
    )  # fmt: skip

    assert explain(facts) == "customer_paid"


def test_every_mechanism_explains_some_payment() -> None:
    found = {
        explain(
            PaymentFacts(
                is_out_of_band=is_out_of_band,
                our_attempts=frozenset(ours),
                attempt_count_when_failed=1,
                attempt_count_when_paid=paid,
            )
        )
        for is_out_of_band, ours, paid in itertools.product(
            [True, False], [[], *([trigger] for trigger in AttemptTrigger)], [1, 2]
        )
    }

    assert found == set(Mechanism)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize("way", ["stripe_retry", "customer_paid"])
def test_stripes_own_retry_is_told_from_a_customer_who_paid_whenever_it_is_heard(
    local_stripe: LocalStripe, merchant: Merchant, way: str, is_late: bool
) -> None:
    ids = local_stripe.scenarios.renewal_fails(reason="insufficient_funds", key=KEY)
    failed = told(local_stripe, "invoice.payment_failed")
    if not is_late:
        receive(*failed)
    if way == "stripe_retry":
        local_stripe.scenarios.set_outcome(payment_method=ids["payment_method"])
        local_stripe.clock.advance(days=2)
    else:
        local_stripe.scenarios.pay(invoice=ids["invoice"])
    receive(*failed, *told(local_stripe, "invoice.updated", "invoice.paid"))

    case = RecoveryCase.objects.get()
    assert (case.status, case.mechanism) == ("recovered", way)
