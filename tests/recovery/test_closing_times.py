"""When a case closed, and by what: what is told later of the same end moves it to no other month,
and a subscription's end gives up only what had failed."""

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest

from recovery.models import Merchant, RecoveryCase, StripeEvent
from tests.builders import DOCUMENTED_EXAMPLE, event, make_merchant, receive

pytestmark = pytest.mark.django_db
INVOICE: dict[str, Any] = DOCUMENTED_EXAMPLE["data"]["object"]
SUBSCRIPTION = "sub_1"
OWED = {
    **INVOICE, "status": "open",
    "parent": {"subscription_details": {"subscription": SUBSCRIPTION}},
}  # fmt: skip
NEXT_YEAR = datetime.now(tz=UTC).year + 1


@pytest.fixture(autouse=True)
def merchant() -> Merchant:
    return make_merchant()


def at(month: int, day: int = 15, year: int = 2026) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


def fails(when: int, **told: Any) -> dict[str, Any]:
    return event("invoice.payment_failed", {**OWED, **told}, created=when)


def canceled(when: int) -> dict[str, Any]:
    ended = {"id": SUBSCRIPTION, "object": "subscription", "customer": "cus_1"}
    return event("customer.subscription.deleted", ended, created=when)


def uncollectible(when: int) -> dict[str, Any]:
    given_up = {**OWED, "status": "uncollectible"}
    return event("invoice.marked_uncollectible", given_up, created=when)


def paid(when: int, **told: Any) -> dict[str, Any]:
    money = {
        "amount_paid": OWED["amount_due"], "amount_remaining": 0, "status": "paid",
        "status_transitions": {"paid_at": when}, **told,
    }  # fmt: skip
    return event("invoice.paid", {**OWED, **money}, created=when)


def in_each_order(*told: dict[str, Any]) -> set[tuple[Any, ...]]:
    """How the case stands when all was heard, for each order in which it may be."""
    found = set()
    for order in itertools.permutations(told):
        StripeEvent.objects.all().delete()
        RecoveryCase.objects.all().delete()
        for one in order:
            receive(one)
        case = RecoveryCase.objects.get()
        closed = int(case.closed_at.timestamp()) if case.closed_at else None
        found.add((case.status, case.reason, closed, case.amount, case.amount_recovered))
    return found


def test_a_loss_stays_where_it_was_when_its_subscription_is_canceled_months_later() -> None:
    [standing] = in_each_order(fails(at(1)), uncollectible(at(2)), canceled(at(6)))

    assert standing[:3] == ("lost", "subscription_canceled", at(2))


def test_of_two_reasons_to_void_the_earlier_day_counts_in_any_order() -> None:
    voided = event("invoice.voided", {**OWED, "status": "void"}, created=at(4))
    gone = {"object": "dispute", "id": "dp_1", "amount": OWED["amount_due"], "status": "lost",
            "payment_intent": "pi_1", "charge": "ch_1"}  # fmt: skip
    disputed = event("charge.dispute.created", gone, created=at(3))
    told = fails(at(1), payments={"data": [
        {"payment": {"type": "payment_intent", "payment_intent": "pi_1"}, "is_default": True},
    ]})  # fmt: skip

    [standing] = in_each_order(told, voided, disputed)

    assert standing[:3] == ("voided", "invoice_voided", at(3))


def test_what_fails_after_its_subscription_was_canceled_is_still_owed() -> None:
    [standing] = in_each_order(canceled(at(1)), fails(at(2)))

    assert standing[:3] == ("open", "", None)


def test_what_had_failed_before_is_given_up_whichever_failure_is_heard_of_first() -> None:
    [standing] = in_each_order(fails(at(1)), canceled(at(2)), fails(at(3), attempt_count=2))

    assert standing[:3] == ("lost", "subscription_canceled", at(2))


def test_nothing_closes_on_a_day_to_come() -> None:
    """As a test clock's payments are told of."""
    receive(fails(at(1)), paid(at(1), status_transitions={"paid_at": at(1, year=NEXT_YEAR)}))

    case = RecoveryCase.objects.get()
    told_at = StripeEvent.objects.latest("id").received_at
    assert case.closed_at is not None
    assert abs((case.closed_at - told_at).total_seconds()) < 60


def test_a_debt_that_is_paid_in_parts_was_as_much_as_came_back_in_any_order() -> None:
    part = {"amount_paid": 1000, "amount_remaining": OWED["amount_due"] - 1000}
    changed = event("invoice.updated", {**OWED, **part}, created=at(2))

    [standing] = in_each_order(fails(at(1)), changed, paid(at(3)))

    assert standing[0] == "recovered"
    assert standing[3:] == (OWED["amount_due"], OWED["amount_due"])


def one_time(type_: str, when: int, **told: Any) -> dict[str, Any]:
    intent = {
        "id": "pi_1", "object": "payment_intent", "amount": 2500, "currency": "usd",
        "customer": "cus_1", "receipt_email": "jo@example.com", "invoice": None, **told,
    }  # fmt: skip
    return event(f"payment_intent.{type_}", intent, created=when)


def test_a_payment_that_turns_out_to_have_settled_and_went_back_is_refunded_in_any_order() -> None:
    begun = at(1)
    back = {"id": "ch_1", "object": "charge", "amount": 2500, "amount_refunded": 2500,
            "refunded": True, "payment_intent": "pi_1"}  # fmt: skip
    minute = 60
    [standing] = in_each_order(
        one_time("payment_failed", begun),
        one_time("payment_failed", begun + 25 * minute),
        one_time("succeeded", begun + 40 * minute, amount_received=2500),
        event("charge.refunded", back, created=begun + 500 * minute),
    )

    assert standing[:3] == ("voided", "refunded", begun + 500 * minute)
