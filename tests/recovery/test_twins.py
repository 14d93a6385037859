"""An invoice's own PaymentIntent that names no invoice, with no Stripe to ask."""

import itertools
from typing import Any

import pytest

from recovery.models import RecoveryCase
from tests.builders import dashboard, event, make_merchant, receive
from tests.recovery.test_ingest import (
    DAY,
    T0,
    failed,
    failing,
    forget_everything,
    intent,
    invoice,
    paid,
    state,
)

pytestmark = pytest.mark.django_db


def own_intent_failed(day: int, charge: str, *, seconds: int = 2, **facts: Any) -> dict[str, Any]:
    told = intent(**{"amount": 4900, "invoice": None, **failing(charge, "expired_card"), **facts})
    return event("payment_intent.payment_failed", told, created=T0 + day * DAY + seconds)


def test_it_opens_no_second_case_that_counts_whichever_is_told_first() -> None:
    merchant = make_merchant(currency="eur")
    for order in itertools.permutations([own_intent_failed(0, "ch_1"), failed(1, 0)]):
        receive(*order)

        case = RecoveryCase.objects.exclude(stripe_invoice_id="").get()
        assert (case.status, case.decline_code, case.decline_type) == (
            "open", "expired_card", "action_required",
        )  # fmt: skip
        assert case.attempts.count() == 1
        twin = RecoveryCase.objects.get(stripe_invoice_id="")
        assert (twin.status, twin.reason) == ("voided", "belongs_to_invoice")
        figures = dashboard(merchant)
        assert figures["failed_payments_mtd"] in {0, 1}  # T0 may lie in the month before
        forget_everything()


def test_every_order_of_two_tries_and_a_payment_ends_in_the_same_state() -> None:
    make_merchant(currency="eur")
    history = [
        failed(1, 0), own_intent_failed(0, "ch_1"), failed(2, 3), own_intent_failed(3, "ch_2"),
        event("payment_intent.succeeded", intent(amount=4900, amount_received=4900),
              created=T0 + 4 * DAY),
        paid(4),
    ]  # fmt: skip
    ends = []
    every_order = list(itertools.permutations(history))
    for order in every_order[:: len(every_order) // 40]:
        receive(*order)
        ends.append(state())
        forget_everything()

    for end in ends:
        assert end == ends[0]
    by_kind = {bool(case[0]): case for case in ends[0]}
    assert by_kind[True][2:6] == ("recovered", "invoice_paid", 4900, 4900)
    assert by_kind[False][2:6] == ("voided", "belongs_to_invoice", 4900, 0)


@pytest.mark.parametrize(
    "difference",
    [
        {"amount": 4800},
        {"currency": "usd"},
        {"customer": "cus_2"},
        {"customer": None, "receipt_email": None},
        {"seconds": 3600},
    ],
)
def test_what_is_not_alike_is_a_payment_of_its_own(difference: dict[str, Any]) -> None:
    make_merchant(currency="eur")
    receive(failed(1, 0), own_intent_failed(0, "ch_1", **difference))

    assert RecoveryCase.objects.filter(status="open").count() == 2


def test_two_invoices_of_one_customer_each_find_their_own() -> None:
    make_merchant(currency="eur")
    receive(
        failed(1, 0, "in_1"),
        failed(1, 0, "in_2"),
        own_intent_failed(0, "ch_1", id="pi_1"),
        own_intent_failed(0, "ch_2", id="pi_2"),
    )

    open_cases = RecoveryCase.objects.filter(status="open")
    assert sorted(case.stripe_invoice_id for case in open_cases) == ["in_1", "in_2"]
    assert sorted(case.stripe_payment_intent_id for case in open_cases) == ["pi_1", "pi_2"]


def checkout_failed(*, seconds: int = 0, **facts: Any) -> dict[str, Any]:
    told = invoice("in_first", billing_reason="subscription_create", **facts)
    return event("invoice.payment_failed", told, created=T0 + seconds)


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
@pytest.mark.parametrize(
    "debtor",
    [{}, {"customer": None, "customer_email": "jo@x.org"}],
    ids=["customer", "guest"],
)
def test_an_abandoned_checkouts_own_payment_opens_nothing_to_work(
    order: list[int], debtor: dict[str, Any]
) -> None:
    make_merchant(currency="eur")
    payer: dict[str, Any] = {"customer": None} if debtor else {}
    told = [checkout_failed(**debtor), own_intent_failed(0, "ch_1", **payer)]
    receive(*[told[place] for place in order])

    case = RecoveryCase.objects.get()
    assert (case.status, case.reason) == ("voided", "belongs_to_invoice")


@pytest.mark.parametrize(
    "difference",
    [{"amount_due": 1, "amount_remaining": 1}, {"customer": "cus_2"}, {"seconds": 3600}],
)
def test_a_payment_that_is_no_checkouts_stays(difference: dict[str, Any]) -> None:
    make_merchant(currency="eur")
    receive(checkout_failed(**difference), own_intent_failed(0, "ch_1"))

    assert RecoveryCase.objects.get().status == "open"


def test_an_unreadable_event_is_nobodys_checkout() -> None:
    make_merchant(currency="eur")
    receive(checkout_failed(amount_due=10**30), own_intent_failed(0, "ch_1"))

    assert RecoveryCase.objects.get().status == "open"
