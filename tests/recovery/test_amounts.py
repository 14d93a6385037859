"""What a case is about and what came back on it, where amounts change on the way."""

import itertools
from typing import Any

import pytest

from recovery.models import RecoveryCase
from tests.builders import event, make_merchant, receive
from tests.recovery.test_ingest import DAY, T0, failing, intent, invoice, paid

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_one_time_payment_is_about_the_amount_that_was_asked_for_last(
    order: tuple[int, ...],
) -> None:
    """A buyer takes something out of the cart: the same PaymentIntent, another amount."""
    make_merchant(currency="eur")
    paying = intent(amount=1900, amount_received=1900, status="succeeded")
    story = [
        event("payment_intent.payment_failed", intent(amount=2500, **failing("ch_1", "x")),
              created=T0),
        event("payment_intent.payment_failed", intent(amount=1900, **failing("ch_2", "x")),
              created=T0 + 60),
        event("payment_intent.succeeded", paying, created=T0 + DAY),
    ]  # fmt: skip

    receive(*(story[index] for index in order))

    case = RecoveryCase.objects.get()
    assert (case.status, case.amount, case.amount_recovered) == ("recovered", 1900, 1900)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize(
    ("already_paid", "came"), [((0, 0), 4900), ((0, 1900), 4900), ((1900, 1900), 3000)]
)
def test_what_was_paid_of_an_invoice_before_its_charge_failed_did_not_come_back(
    order: tuple[int, ...], already_paid: tuple[int, int], came: int
) -> None:
    """What was paid between two failures did."""
    make_merchant(currency="eur")
    failures = [
        event(
            "invoice.payment_failed",
            invoice(attempt_count=day + 1, amount_paid=sum_, amount_remaining=4900 - sum_),
            created=T0 + day * DAY,
        )
        for day, sum_ in enumerate(already_paid)
    ]
    story = [*failures, paid(3)]

    receive(*(story[index] for index in order))

    case = RecoveryCase.objects.get()
    assert (case.status, case.amount_recovered) == ("recovered", came)


@pytest.mark.parametrize(
    "told", [{}, {"paid_out_of_band": True, "amount_paid": 0}, {"amount_paid_off_stripe": 3000,
             "amount_paid": 1900}, {"amount_paid": None}],
)  # fmt: skip
@pytest.mark.parametrize("is_reversed", [False, True])
def test_the_rest_of_an_invoice_came_back_whichever_way_it_is_paid(
    told: dict[str, Any], is_reversed: bool
) -> None:
    make_merchant(currency="eur")
    rest = invoice(amount_paid=1900, amount_remaining=3000)
    story = [event("invoice.payment_failed", rest, created=T0), paid(3, **told)]

    receive(*(reversed(story) if is_reversed else story))

    case = RecoveryCase.objects.get()
    assert (case.status, case.amount_recovered) == ("recovered", 3000)
