"""A customer in two tabs, a webhook and a sweep, all at the same moment."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from recovery import superseding
from recovery.attempts import Outcome
from recovery.checkouts import NotPayableError
from recovery.models import Checkout, Merchant, RecoveryCase
from recovery.stripe_errors import StripeUnavailableError
from recovery.superseding import OvertakenError
from tests.builders import receive
from tests.local_stripe import LocalStripe
from tests.recovery.purchases import (
    GOOD,
    failed_purchase,
    hear_all,
    intents,
    money_taken,
    sessions,
    set_out,
    standing,
    type_in,
)
from tests.recovery.stories import at_once, charge, new_card, told

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def case(local_stripe: LocalStripe, merchant: Merchant) -> RecoveryCase:
    return failed_purchase(local_stripe, merchant)


def click(case: RecoveryCase) -> str:
    """Where it leads, "" if it was overtaken or there is nothing to pay."""
    try:
        return set_out(case)
    except (OvertakenError, NotPayableError, StripeUnavailableError):
        return ""


@pytest.mark.parametrize("round_", range(3))
def test_of_several_clicks_at_once_one_page_can_be_paid(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase, round_: int
) -> None:
    urls = at_once(*[partial(click, case)] * 3)

    assert sessions(local_stripe).count("open") == 1
    paid = [type_in(url, GOOD) for url in urls if url]
    assert paid.count(303) == 1
    assert intents(local_stripe) == ["canceled", "succeeded"]
    hear_all(local_stripe, merchant)
    assert standing(case) == ("recovered", "customer_paid", 2500)
    assert Checkout.objects.filter(case=case, state="paid").count() == 1
    assert money_taken(local_stripe) == 2500


def test_a_click_and_the_payment_in_another_tab_at_once_take_the_money_once(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase
) -> None:
    first = set_out(case)

    [status, second] = at_once(partial(type_in, first, GOOD), partial(click, case))

    if status != 303:
        assert type_in(str(second), GOOD) == 303
    hear_all(local_stripe, merchant)
    assert standing(case) == ("recovered", "customer_paid", 2500)
    assert money_taken(local_stripe) == 2500


def test_a_click_and_the_webhook_of_the_payment_at_once_recover_the_case_once(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase
) -> None:
    type_in(set_out(case), GOOD)
    webhook = told(local_stripe, "payment_intent.succeeded")

    calls: list[Callable[[], object]] = [
        partial(click, case),
        partial(receive, *webhook, merchant=merchant),
    ]
    assert at_once(*calls) == ["", None]

    assert standing(case) == ("recovered", "customer_paid", 2500)
    assert case.timeline.filter(kind="moved").count() == 1
    assert sessions(local_stripe) == ["complete"]


def test_a_click_and_a_charge_of_the_failed_payment_at_once_take_the_money_once(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase
) -> None:
    RecoveryCase.objects.update(settles_at=timezone.now() - timedelta(days=1))
    method = new_card(local_stripe, case)
    calls: list[Callable[[], object]] = [
        partial(click, case),
        partial(charge, RecoveryCase.objects.get(pk=case.pk), method),
    ]

    url, result = at_once(*calls)

    outcome = result.outcome  # type: ignore[attr-defined]
    assert bool(url) != (outcome is Outcome.PAID)
    if url:
        assert type_in(str(url), GOOD) == 303
    hear_all(local_stripe, merchant)
    assert standing(case)[::2] == ("recovered", 2500)
    assert money_taken(local_stripe) == 2500


def test_a_sweep_that_takes_a_slow_click_for_dead_leaves_one_page_at_most(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase
) -> None:
    set_out(case)
    checkout = Checkout.objects.select_related("case__merchant__stripe").get()
    checkout.state = Checkout.State.CLAIMED  # as the sweep had read it

    at_once(partial(click, case), partial(superseding.look_after, checkout, now=timezone.now()))

    assert sessions(local_stripe) == ["expired", "open"]
    hear_all(local_stripe, merchant)
    assert standing(case) == ("open", "", 0)
