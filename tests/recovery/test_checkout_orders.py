"""What is told of a superseded payment ends in the same state in any order, however often."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from recovery import checkouts
from recovery.models import Checkout, Merchant, RecoveryCase, StripeEvent
from tests.builders import event, make_merchant, receive
from tests.recovery.test_ingest import DAY, T0, failing, intent, state

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
FAILED = event("payment_intent.payment_failed", intent(**failing("ch_1", "do_not_honor")),
               created=T0)  # fmt: skip


def at_checkout(checkout: Checkout, **facts: Any) -> dict[str, Any]:
    """The PaymentIntent that was made on Checkout's page."""
    named = {"recover_checkout": checkout.public_id, "recover_case": checkout.case.public_id}
    return intent("pi_2", metadata=named, **facts)


def told(checkout: Checkout) -> list[dict[str, Any]]:
    """A card is declined at Checkout, another one pays, part of it goes back."""
    declined = at_checkout(checkout, **failing("ch_2", "insufficient_funds"))
    paid = at_checkout(checkout, status="succeeded", amount_received=2500)
    charge = {"id": "ch_3", "object": "charge", "amount": 2500, "amount_refunded": 700,
              "payment_intent": "pi_2"}  # fmt: skip
    return [
        FAILED,
        event("payment_intent.canceled", intent(status="canceled"), created=T0 + DAY),
        event("payment_intent.payment_failed", declined, created=T0 + DAY + 60),
        event("payment_intent.processing", at_checkout(checkout), created=T0 + DAY + 90),
        event("payment_intent.succeeded", paid, created=T0 + DAY + 120),
        event("charge.refunded", charge, created=T0 + 2 * DAY),
    ]


def handed_out(merchant: Merchant) -> Checkout:
    """Opened by the payment's failure, as far as the click that led to Checkout."""
    receive(FAILED, merchant=merchant)
    now = timezone.now()
    checkout = checkouts.claim(case=RecoveryCase.objects.get(), now=now)
    assert checkouts.made(checkout, session_id="cs_1", now=now)
    checkouts.canceled(checkout, now=now)
    assert checkouts.hand_out(checkout)
    return checkout


def ends(merchant: Merchant, order: list[int]) -> list[Any]:
    checkout = handed_out(merchant)
    events = told(checkout)
    receive(*(events[index] for index in order), merchant=merchant)
    after = [*state(), list(Checkout.objects.values_list("state", "payment_intent_id"))]
    StripeEvent.objects.all().delete()
    RecoveryCase.objects.all().delete()
    return after


@given(data=st.data())
@settings(
    max_examples=12, deadline=None, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
def test_any_order_of_what_is_told_ends_in_the_same_state(db: None, data: st.DataObject) -> None:
    merchant = Merchant.objects.first() or make_merchant(currency="eur")
    order = data.draw(st.permutations(range(6)))
    again = data.draw(st.lists(st.sampled_from(range(6)), max_size=4))

    [case, checkout] = ends(merchant, [*order, *again])

    assert case[2:9] == (
        "recovered", "payment_succeeded", 2500, 2500, 700, "customer_paid", "soft",
    )  # fmt: skip
    assert case[-1] == [
        ("ch_1", "do_not_honor", at(0)), ("ch_2", "insufficient_funds", at(DAY + 60)),
    ]  # fmt: skip
    assert (case[11], case[12]) == (at(0), at(DAY + 120))  # failed, closed
    assert checkout == [("paid", "pi_2")]


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(T0 + seconds, UTC)
