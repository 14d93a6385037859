"""A new card that the webhook tells of is charged by a worker, once and with patience."""

import threading
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.test import Client
from django.utils import timezone

from billing_portal import links, new_cards
from billing_portal.models import PaymentUpdateLink
from billing_portal.tasks import charge_new_cards
from recovery import attempts, customers, failed_invoices
from recovery.attempts import ChargeResult
from recovery.models import Customer, Merchant, OperatorTask, RecoveryCase
from recovery.stripe_gateway import StripeGateway
from recovery.stripe_objects import Charged
from tests.connected import asked_to_pay, charges, down, fail_again, hear
from tests.local_stripe import LocalStripe
from tests.local_stripe.exchange import Exchange
from tests.threads import WAITS, at_once, in_thread

pytestmark = pytest.mark.django_db(transaction=True)
RETURN = "/fourthngoal/recover/update/return"


@pytest.fixture
def jo(debt: RecoveryCase) -> Customer:
    assert debt.customer
    return debt.customer


def save_card(local_stripe: LocalStripe, jo: Customer, **card: str) -> None:
    local_stripe.scenarios.new_card(customer=jo.stripe_customer_id, **card)
    hear(local_stripe)
    jo.refresh_from_db()


def way_back(case: RecoveryCase) -> str:
    now = timezone.now()
    links.create(case=case, now=now)
    link = PaymentUpdateLink.objects.latest("id")
    return f"{RETURN}?{links.return_url(link, now=now).partition('?')[2]}"


def read(address: str) -> str:
    return Client().get(address).content.decode()


def later(jo: Customer) -> None:
    """The next try is due."""
    jo.new_payment_method_due_at = timezone.now()
    jo.save()


def test_a_customer_who_came_back_while_stripe_was_down_is_charged_by_the_webhook_alone(
    local_stripe: LocalStripe, debt: RecoveryCase, jo: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    local_stripe.scenarios.new_card(customer=jo.stripe_customer_id)
    with down(local_stripe, monkeypatch):
        page = Client().get(way_back(debt))
    assert page.context["page"] == "back_unavailable"
    assert (page.status_code, page["Retry-After"]) == (503, "60")
    assert charges(local_stripe) == []

    hear(local_stripe)
    charge_new_cards()

    debt.refresh_from_db()
    assert (debt.status, debt.mechanism) == ("recovered", "card_update")
    assert charges(local_stripe) == [debt.stripe_invoice_id]


def test_all_open_debts_are_charged_oldest_first_and_the_card_once(
    local_stripe: LocalStripe, debt: RecoveryCase, jo: Customer
) -> None:
    other = fail_again(local_stripe, debt)
    save_card(local_stripe, jo)

    charge_new_cards()
    charge_new_cards()

    assert charges(local_stripe) == [debt.stripe_invoice_id, other]
    assert set(RecoveryCase.objects.values_list("status", flat=True)) == {"recovered"}
    jo.refresh_from_db()
    assert (jo.new_payment_method_id, jo.new_payment_method_due_at) == ("", None)


def test_a_declined_card_is_not_tried_again_by_itself(
    local_stripe: LocalStripe, debt: RecoveryCase, jo: Customer
) -> None:
    save_card(local_stripe, jo, reason="insufficient_funds")
    charge_new_cards()
    charge_new_cards()

    jo.refresh_from_db()
    assert jo.new_payment_method_due_at is None
    assert charges(local_stripe) == [debt.stripe_invoice_id]


def test_a_merchant_that_took_its_key_back_has_nothing_charged(
    local_stripe: LocalStripe, merchant: Merchant, debt: RecoveryCase, jo: Customer
) -> None:
    save_card(local_stripe, jo)
    merchant.stripe.disconnected_at = timezone.now()
    merchant.stripe.save()

    charge_new_cards()

    jo.refresh_from_db()
    assert (jo.new_payment_method_id, jo.new_payment_method_due_at) == ("", None)
    assert charges(local_stripe) == []


def test_each_try_waits_twice_as_long_and_no_other_worker_takes_it_meanwhile(
    local_stripe: LocalStripe, jo: Customer
) -> None:
    save_card(local_stripe, jo)
    now = timezone.now()
    waits = []
    for number in (1, 2, 3, 4):
        assert customers.claim_new_cards(now=now) == [jo]
        assert customers.claim_new_cards(now=now) == []
        jo.refresh_from_db()
        assert jo.new_payment_method_due_at
        assert jo.new_payment_method_tries == number
        assert customers.claim_new_cards(
            now=jo.new_payment_method_due_at - timedelta(microseconds=1)
        ) == []  # fmt: skip
        waits.append((jo.new_payment_method_due_at - now).total_seconds())
        now = jo.new_payment_method_due_at

    assert waits == [10, 20, 40, 80]


def test_a_card_that_could_not_be_charged_comes_back_and_is_charged(
    local_stripe: LocalStripe, debt: RecoveryCase, jo: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_card(local_stripe, jo)
    with down(local_stripe, monkeypatch, "*/pay"):
        charge_new_cards()
    jo.refresh_from_db()
    assert jo.new_payment_method_tries == 1
    assert jo.new_payment_method_due_at
    assert jo.new_payment_method_due_at > timezone.now()

    debt.attempts.update(attempted_at=timezone.now() - timedelta(minutes=3))
    later(jo)
    charge_new_cards()

    debt.refresh_from_db()
    assert debt.status == "recovered"
    assert len(charges(local_stripe)) == 2
    assert len({one.headers["idempotency-key"] for one in asked_to_pay(local_stripe)}) == 1


def work(now: datetime) -> None:
    """What the timetable does with new cards at `now`."""
    for customer in customers.claim_new_cards(now=now):
        new_cards.take_up(customer, now=now)


UNANSWERED = {
    "/v1/*": "The new card was not charged: Stripe could not be asked for three days.",
    "*/pay": "Stripe could not be asked whether the new card was charged: see there.",
}


def test_an_outage_of_eight_hours_loses_no_new_card(
    local_stripe: LocalStripe, debt: RecoveryCase, jo: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_card(local_stripe, jo)
    now = timezone.now()
    with down(local_stripe, monkeypatch):
        for minutes in range(0, 8 * 60, 5):
            work(now + timedelta(minutes=minutes))
    assert charges(local_stripe) == []
    assert OperatorTask.objects.count() == 0

    for hours in range(8, 15):
        work(now + timedelta(hours=hours))

    debt.refresh_from_db()
    assert debt.status == "recovered"
    assert charges(local_stripe) == [debt.stripe_invoice_id]


@pytest.mark.parametrize("path", UNANSWERED)
def test_after_three_days_a_new_card_is_left_to_a_person(
    local_stripe: LocalStripe,
    debt: RecoveryCase,
    jo: Customer,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    save_card(local_stripe, jo)
    assert jo.new_payment_method_at
    for days, is_given_up in ((0, False), (2.9, False), (3, True)):
        now = jo.new_payment_method_at + timedelta(days=days)
        later(jo)
        debt.attempts.update(attempted_at=now - timedelta(minutes=3))
        with down(local_stripe, monkeypatch, path):
            work(now)
        jo.refresh_from_db()
        assert (jo.new_payment_method_due_at is None) is is_given_up
        assert OperatorTask.objects.exists() is is_given_up

    assert debt.timeline.get(kind="attempt_unresolved").summary == UNANSWERED[path]
    task = OperatorTask.objects.get(kind="charge_unresolved")
    assert (task.case, task.summary) == (debt, UNANSWERED[path])
    assert OperatorTask.objects.filter(kind="card_not_put").exists() is (path == "/v1/*")
    debt.refresh_from_db()
    assert debt.status == "open"


def test_a_new_card_waits_for_a_case_that_is_paused_and_is_charged_when_it_goes_on(
    local_stripe: LocalStripe, debt: RecoveryCase, jo: Customer
) -> None:
    RecoveryCase.objects.update(is_paused=True)
    save_card(local_stripe, jo)
    now = timezone.now()
    for days in range(9):
        work(now + timedelta(days=days))
    assert charges(local_stripe) == []

    RecoveryCase.objects.update(is_paused=False)
    work(now + timedelta(days=8, minutes=10))

    debt.refresh_from_db()
    assert (debt.status, debt.mechanism) == ("recovered", "card_update")


def test_one_paused_debt_holds_up_no_other_and_is_charged_later(
    local_stripe: LocalStripe, debt: RecoveryCase, jo: Customer
) -> None:
    other = fail_again(local_stripe, debt)
    hear(local_stripe)
    RecoveryCase.objects.filter(stripe_invoice_id=other).update(is_paused=True)
    save_card(local_stripe, jo)
    now = timezone.now()
    work(now)
    assert charges(local_stripe) == [debt.stripe_invoice_id]

    RecoveryCase.objects.update(is_paused=False)
    work(now + timedelta(hours=2))

    assert charges(local_stripe) == [debt.stripe_invoice_id, other]
    jo.refresh_from_db()
    assert (jo.new_payment_method_id, jo.new_payment_method_due_at) == ("", None)


def test_a_new_card_that_a_bank_takes_days_for_waits_for_its_answer(
    local_stripe: LocalStripe, debt: RecoveryCase, jo: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_card(local_stripe, jo)
    now = timezone.now()
    with monkeypatch.context() as patch:
        patch.setattr(StripeGateway, "pay_invoice", lambda *_, **__: Charged("pending"))
        for hours in range(0, 7 * 24, 6):
            work(now + timedelta(hours=hours))
    assert debt.attempts.get(trigger="customer").state == "pending"
    assert OperatorTask.objects.count() == 0
    jo.refresh_from_db()
    assert jo.new_payment_method_due_at == now + timedelta(days=7)

    local_stripe.scenarios.pay(invoice=debt.stripe_invoice_id)
    hear(local_stripe)
    work(now + timedelta(days=7))

    jo.refresh_from_db()
    assert jo.new_payment_method_due_at is None
    debt.refresh_from_db()
    assert (debt.status, debt.mechanism) == ("recovered", "card_update")


def test_a_newer_card_is_not_forgotten_with_the_one_that_was_charged(
    local_stripe: LocalStripe, jo: Customer
) -> None:
    save_card(local_stripe, jo)
    (claimed,) = customers.claim_new_cards(now=timezone.now())
    save_card(local_stripe, jo)
    new_cards.take_up(claimed, now=timezone.now())

    jo.refresh_from_db()
    assert jo.new_payment_method_id not in {"", claimed.new_payment_method_id}
    assert jo.new_payment_method_due_at is not None


def test_while_the_returning_customers_charge_is_under_way_the_worker_makes_none(
    local_stripe: LocalStripe, debt: RecoveryCase, jo: Customer
) -> None:
    save_card(local_stripe, jo)
    charging, go_on = threading.Event(), threading.Event()

    def hold(exchange: Exchange) -> None:
        if exchange.path.endswith("/pay"):
            charging.set()
            assert go_on.wait(WAITS)

    local_stripe._on_exchange = hold
    pages: list[str] = []
    address = way_back(debt)
    returning = in_thread(lambda: pages.append(read(address)))
    assert charging.wait(WAITS)
    charge_new_cards()
    jo.refresh_from_db()
    assert (jo.new_payment_method_tries, len(charges(local_stripe))) == (1, 1)
    meanwhile = read(address)
    go_on.set()
    returning.join(WAITS)

    assert "Your payment is under way" in meanwhile
    assert "Thank you" in pages[0]
    later(jo)
    charge_new_cards()
    jo.refresh_from_db()
    assert jo.new_payment_method_due_at is None
    assert charges(local_stripe) == [debt.stripe_invoice_id]


def test_return_and_webhook_at_once_charge_once(
    local_stripe: LocalStripe, debt: RecoveryCase, jo: Customer
) -> None:
    save_card(local_stripe, jo)
    address = way_back(debt)
    pages: list[str] = []

    def come_back() -> None:
        pages.append(read(address))

    at_once(come_back, come_back, charge_new_cards)

    assert charges(local_stripe) == [debt.stripe_invoice_id]
    assert len(pages) == 2
    assert all("Thank you" in page or "under way" in page for page in pages)
    debt.refresh_from_db()
    assert (debt.status, debt.amount_recovered) == ("recovered", 4900)
    assert debt.attempts.exclude(trigger="stripe").count() == 1


def test_a_debt_that_cannot_be_worked_loses_none_of_the_others(
    local_stripe: LocalStripe, debt: RecoveryCase, jo: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = fail_again(local_stripe, debt)
    save_card(local_stripe, jo)
    charge = attempts.charge

    def stumble(**asked: Any) -> ChargeResult:
        if asked["case"] == debt:
            raise LookupError
        return charge(**asked)

    with monkeypatch.context() as patch:
        patch.setattr(attempts, "charge", stumble)
        charge_new_cards()

    assert charges(local_stripe) == [other]
    jo.refresh_from_db()
    assert jo.new_payment_method_id
    later(jo)
    charge_new_cards()
    assert charges(local_stripe) == [other, debt.stripe_invoice_id]


def test_an_invoice_that_cannot_be_read_loses_none_of_the_debts(
    local_stripe: LocalStripe, debt: RecoveryCase, jo: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_again(local_stripe, debt)
    local_stripe.scenarios.new_card(customer=jo.stripe_customer_id)
    monkeypatch.setattr(failed_invoices, "invoice_failed", mock.Mock(side_effect=LookupError))

    read(way_back(debt))

    assert charges(local_stripe) == [debt.stripe_invoice_id]
