"""A bank takes days for a direct debit: the case knows that money is under way."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from recovery import attempts, cases, settling, stripe_gateway
from recovery.attempts import ChargeResult, Outcome
from recovery.models import Merchant, RecoveryCase
from recovery.state_machine import Trigger
from recovery.stripe_gateway import StripeGateway
from recovery.stripe_objects import Charged, PaymentMethod
from tests.builders import event, make_merchant, receive
from tests.local_stripe import LocalStripe
from tests.local_stripe.billing import charging
from tests.local_stripe.billing.charging import Result
from tests.recovery.stories import (
    asked_for_money,
    charge,
    failed_payment,
    failed_renewal,
    new_card,
    ours,
    realm,
)

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def test_what_stripe_answers_with_pending_is_under_way_and_not_asked_for_again(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = failed_renewal(local_stripe, merchant)
    first, second = (new_card(local_stripe, case) for _ in range(2))
    now = timezone.now()
    assert not attempts.is_under_way(case)
    with monkeypatch.context() as patch:
        patch.setattr(StripeGateway, "pay_invoice", lambda *_, **__: Charged("pending"))
        assert charge(case, first, now=now) == ChargeResult(Outcome.PENDING)

    assert ours(case).state == "pending"
    assert attempts.is_under_way(case)
    for method in (first, second):
        assert charge(case, method, now=now + 48 * HOUR) == ChargeResult(Outcome.PENDING)
    assert asked_for_money(local_stripe) == []


def test_a_payment_that_gets_under_way_while_the_card_is_looked_at_is_not_asked_for_twice(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)
    look = StripeGateway.payment_method

    def look_late(gateway: StripeGateway, id_: str) -> PaymentMethod:
        cases.note_payment(case=case, is_under_way=True, at=timezone.now() + HOUR)
        return look(gateway, id_)

    monkeypatch.setattr(StripeGateway, "payment_method", look_late)

    assert charge(case, method) == ChargeResult(Outcome.PENDING)
    assert asked_for_money(local_stripe) == []
    assert not case.attempts.filter(trigger="customer").exists()


@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize(("hours_later", "is_under_way"), [(-1, True), (0, False), (1, False)])
def test_the_newest_fact_wins_in_any_order_and_of_one_moment_the_end(
    local_stripe: LocalStripe,
    merchant: Merchant,
    hours_later: int,
    is_under_way: bool,
    is_reversed: bool,
) -> None:
    case = failed_renewal(local_stripe, merchant)
    at = timezone.now() + HOUR
    facts = [(True, at), (False, at + hours_later * HOUR)]
    for told, told_at in reversed(facts) if is_reversed else facts:
        cases.note_payment(case=case, is_under_way=told, at=told_at)

    assert attempts.is_under_way(case) is is_under_way


START = 1_795_000_000
FAILED = {"id": "pi_1", "amount": 4900, "currency": "usd", "receipt_email": "jo@example.com"}


@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize(
    ("ends_with", "is_under_way"),
    [("processing", True), ("payment_failed", False), ("succeeded", False), ("canceled", False)],
)
def test_events_tell_of_a_payment_in_any_order(
    ends_with: str, is_under_way: bool, is_reversed: bool
) -> None:
    make_merchant()
    invoice = {"id": "in_1", "customer_email": "jo@example.com", "amount_due": 4900}
    receive(event("invoice.payment_failed", invoice | {"payment_intent": "pi_1"}, created=START))
    story = [
        event(f"payment_intent.{what}", FAILED, created=START + 60 + days * 86_400)
        for days, what in enumerate(["processing", ends_with])
    ]
    receive(*(reversed(story) if is_reversed else story))

    assert attempts.is_under_way(RecoveryCase.objects.get()) is is_under_way


@pytest.mark.parametrize("status", ["processing", "requires_capture", "requires_payment_method"])
@pytest.mark.parametrize("make", [failed_renewal, failed_payment])
def test_stripe_is_asked_whether_a_bank_works_on_it(
    local_stripe: LocalStripe,
    merchant: Merchant,
    make: Callable[[LocalStripe, Merchant], RecoveryCase],
    status: str,
) -> None:
    is_under_way = status != "requires_payment_method"
    case = make(local_stripe, merchant)
    now = timezone.now() + HOUR
    cases.note_payment(case=case, is_under_way=not is_under_way, at=now)
    for known in realm(local_stripe).all("payment_intent"):
        if known["status"] != "succeeded":
            known["status"] = status
    gateway = stripe_gateway.of(merchant)
    if case.is_one_time:
        intent = gateway.payment_intent(case.stripe_payment_intent_id)
        settling.settle_payment(case=case, intent=intent, now=now + HOUR)
    else:
        invoice = gateway.invoice(case.stripe_invoice_id)
        settling.settle_invoice(case=case, invoice=invoice, now=now + HOUR)

    assert attempts.is_under_way(case) is is_under_way


def test_what_the_bank_holds_until_the_merchant_captures_it_is_under_way(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = failed_payment(local_stripe, merchant)
    method = new_card(local_stripe, case)
    [intent] = realm(local_stripe).all("payment_intent")

    def held(*_: object, **__: object) -> Result:
        intent.update(status="requires_capture", amount_capturable=intent["amount"])
        return Result()

    monkeypatch.setattr(charging, "attempt", held)

    assert charge(case, method) == ChargeResult(Outcome.PENDING)
    assert (ours(case).state, attempts.is_under_way(case)) == ("pending", True)


def test_a_debit_that_the_bank_refuses_days_later_ends_our_own_attempt(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)
    now = timezone.now()
    with monkeypatch.context() as patch:
        patch.setattr(StripeGateway, "pay_invoice", lambda *_, **__: Charged("pending"))
        charge(case, method, now=now)
    error = {"decline_code": "insufficient_funds", "charge": "py_1"}
    refused = FAILED | {"id": case.stripe_payment_intent_id, "last_payment_error": error}
    at = int((now + 72 * HOUR).timestamp())
    for _ in range(2):
        receive(event("payment_intent.payment_failed", refused, created=at), merchant=merchant)

    assert (ours(case).state, ours(case).decline_code) == ("failed", "insufficient_funds")
    assert case.attempts.count() == 2
    assert not attempts.is_under_way(case)
    assert charge(case, method, now=now + 73 * HOUR).outcome == Outcome.DECLINED


def test_a_case_that_closed_waits_for_no_bank(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    now = timezone.now() + HOUR
    cases.note_payment(case=case, is_under_way=True, at=now)
    assert attempts.is_under_way(case)
    payment = cases.Payment(4900)
    cases.pay(
        case=case, trigger=Trigger.INVOICE_PAID, payment=payment, at=now, now=now, once="test"
    )

    assert not attempts.is_under_way(case)
