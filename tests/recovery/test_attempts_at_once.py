"""Workers and a customer who ask for the same money at the same moment."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from recovery.attempts import Outcome
from recovery.mechanisms import AttemptTrigger
from recovery.models import Merchant, RecoveryCase
from tests.builders import receive
from tests.local_stripe import LocalStripe
from tests.recovery.stories import (
    at_once,
    charge,
    failed_renewal,
    new_card,
    ours,
    realm,
    stripe_is_down,
    told,
)

pytestmark = pytest.mark.django_db(transaction=True)


def charges_of(local_stripe: LocalStripe, method: str) -> list[str]:
    charges = realm(local_stripe).all("charge")
    return [one["status"] for one in charges if one["payment_method"] == method]


@pytest.mark.parametrize("is_customer_present", [True, False])
def test_two_who_charge_at_once_make_one_charge(
    local_stripe: LocalStripe, merchant: Merchant, is_customer_present: bool
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)

    results = at_once(
        partial(charge, RecoveryCase.objects.get(pk=case.pk), method),
        partial(
            charge, RecoveryCase.objects.get(pk=case.pk), method,
            is_customer_present=is_customer_present,
        ),
    )  # fmt: skip

    outcomes = {result.outcome for result in results}
    assert Outcome.PAID in outcomes
    assert outcomes <= {Outcome.PAID, Outcome.PENDING, Outcome.ALREADY_PAID}
    assert charges_of(local_stripe, method) == ["succeeded"]
    assert ours(case).state == "succeeded"


def test_an_operator_and_a_customer_who_charge_at_once_take_the_money_once(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)

    results = at_once(
        *(
            partial(charge, RecoveryCase.objects.get(pk=case.pk), method, trigger=trigger)
            for trigger in (AttemptTrigger.CUSTOMER, AttemptTrigger.OPERATOR)
        )
    )

    assert {result.outcome for result in results} <= {Outcome.PAID, Outcome.ALREADY_PAID}
    assert charges_of(local_stripe, method) == ["succeeded"]
    case.refresh_from_db()
    assert (case.status, case.amount_recovered) == ("recovered", 4900)


def test_two_who_ask_for_a_lost_answer_at_once_get_the_first_one(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)
    local_stripe.faults.add("lost_response", path="*/pay", times=3)
    charge(case, method)
    later = timezone.now() + timedelta(minutes=3)

    results = at_once(
        *(
            partial(charge, RecoveryCase.objects.get(pk=case.pk), method, now=later)
            for _worker in range(2)
        )
    )

    assert {result.outcome for result in results} <= {Outcome.PAID, Outcome.ALREADY_PAID}
    assert charges_of(local_stripe, method) == ["succeeded"]
    assert ours(case).state == "succeeded"


def test_a_charge_and_its_own_webhook_at_once_recover_the_case_once(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)
    now = timezone.now()
    local_stripe.faults.add("lost_response", path="*/pay", times=3)
    charge(case, method, now=now)
    webhook = told(local_stripe, "invoice.paid", "payment_intent.succeeded")

    at_once(
        lambda: receive(*webhook),
        partial(
            charge, RecoveryCase.objects.get(pk=case.pk), method, now=now + timedelta(minutes=3)
        ),
    )  # fmt: skip

    case.refresh_from_db()
    assert (case.status, case.amount_recovered, case.mechanism) == (
        "recovered", 4900, "card_update",
    )  # fmt: skip
    assert case.timeline.filter(kind="moved").count() == 1


def test_workers_that_cannot_reach_stripe_leave_one_claim(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)

    with stripe_is_down(local_stripe, "*/pay"):
        results = at_once(
            *(
                partial(charge, RecoveryCase.objects.get(pk=case.pk), method)
                for _worker in range(2)
            )
        )

    assert {result.outcome for result in results} == {Outcome.UNAVAILABLE, Outcome.PENDING}
    assert ours(case).state == "claimed"
