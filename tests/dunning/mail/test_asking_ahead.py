"""Stripe is asked about the debts of several mails at the same time, before the first goes."""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from dunning.mail import held, truth
from dunning.models import DunningMessage
from dunning.tasks import deliver_queued, start_runs, work_due_steps
from recovery import asking, cases, settling, stripe_gateway
from recovery.models import Merchant, RecoveryCase, StripeConnection
from recovery.stripe_errors import ObjectMissingError, StripeUnavailableError
from recovery.stripe_gateway import StripeGateway
from recovery.stripe_objects import Invoice
from tests.connected import fail_again, fail_renewal, hear
from tests.local_stripe import LocalStripe

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 30  # seconds


@pytest.fixture
def queued(local_stripe: LocalStripe, merchant: Merchant) -> list[DunningMessage]:
    for name in ("jo", "kim", "sam"):
        fail_renewal(local_stripe, email=f"{name}@example.com")
    start_runs()
    work_due_steps()
    return list(DunningMessage.objects.filter(state="queued"))


def debts(merchant: Merchant, many: int) -> list[RecoveryCase]:
    return [
        RecoveryCase(pk=number, merchant=merchant, stripe_invoice_id=f"in_{number}")
        for number in range(1, many + 1)
    ]


def answered(monkeypatch: pytest.MonkeyPatch, answer: Any) -> list[str]:
    """The invoices that are asked for, each answered so."""
    asked: list[str] = []

    def invoice(_gateway: StripeGateway, invoice_id: str) -> object:
        asked.append(invoice_id)
        return answer(invoice_id)

    monkeypatch.setattr(StripeGateway, "invoice", invoice)
    return asked


def test_each_debt_is_asked_about_once_and_all_at_the_same_time(
    queued: list[DunningMessage], local_stripe: LocalStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(len(queued), timeout=PATIENCE)
    ask = StripeGateway.invoice
    asked: list[str] = []

    def at_once(gateway: StripeGateway, invoice_id: str) -> object:
        together.wait()
        asked.append(invoice_id)
        return ask(gateway, invoice_id)

    monkeypatch.setattr(StripeGateway, "invoice", at_once)
    deliver_queued()

    assert len(mail.outbox) == len(queued) == 3
    assert sorted(asked) == sorted(message.case.stripe_invoice_id for message in queued)


def test_a_customers_other_debts_are_asked_about_with_them(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fail_renewal(local_stripe)
    fail_again(local_stripe, first)
    hear(local_stripe)
    start_runs()
    work_due_steps()
    [message] = DunningMessage.objects.filter(case=first)

    found = held.debts(held.leads([message.pk]), now=message.due_at)

    assert len(found) == RecoveryCase.objects.count() == 2


def test_what_makes_it_impossible_to_ask_about_all_holds_up_no_mail(
    queued: list[DunningMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_all = truth.ask_all

    def break_down(cases: Sequence[RecoveryCase], *, now: datetime) -> truth.Told:
        if len(cases) > 1:
            raise RuntimeError("out of order")
        return ask_all(cases, now=now)

    monkeypatch.setattr(truth, "ask_all", break_down)
    deliver_queued()

    assert len(mail.outbox) == len(queued)


def test_what_was_paid_in_between_is_not_written_about(
    queued: list[DunningMessage], local_stripe: LocalStripe
) -> None:
    paid, *others = queued
    local_stripe.scenarios.pay(invoice=paid.case.stripe_invoice_id)

    deliver_queued()

    paid.refresh_from_db()
    assert (paid.state, paid.error) == ("skipped", "the case is recovered")
    assert len(mail.outbox) == len(others)


def test_what_is_heard_once_stripe_was_asked_is_newer_than_its_answer(
    queued: list[DunningMessage],
) -> None:
    """Else a direct debit that has just begun would be dunned for, and charged besides."""
    case, asked_at = queued[0].case, timezone.now()
    told = truth.ask_all([case], now=asked_at)
    cases.note_payment(case=case, is_under_way=True, at=asked_at + timedelta(seconds=3))

    told.take_over(case)

    case.refresh_from_db()
    assert case.is_payment_under_way


def test_a_silent_stripe_is_not_asked_about_each_debt_of_its_merchant(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silence(_invoice_id: str) -> None:
        raise StripeUnavailableError("no answer")

    monkeypatch.setattr(asking, "AT_ONCE", 2)
    asked = answered(monkeypatch, silence)
    owed = debts(merchant, 20)

    told = truth.ask_all(owed, now=timezone.now())

    assert len(asked) <= 2
    for case in owed:
        with pytest.raises(truth.StaleError):
            told.take_over(case)
    assert len(asked) <= 2


def test_one_debt_that_stripe_knows_nothing_of_says_nothing_of_the_next(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(invoice_id: str) -> Invoice:
        if invoice_id == "in_1":
            raise ObjectMissingError("No such invoice.")
        return Invoice.read({"id": invoice_id, "status": "open"})

    answered(monkeypatch, answer)
    missing, known = debts(merchant, 2)
    told = truth.ask_all([missing, known], now=timezone.now())
    settled: list[RecoveryCase] = []
    monkeypatch.setattr(settling, "settle", lambda *, case, **_: settled.append(case))

    told.take_over(missing)  # the events are all there is to know
    told.take_over(known)

    assert settled == [known]


def test_a_merchant_who_left_is_not_asked_about(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    [case] = debts(merchant, 1)
    merchant.stripe.disconnected_at = merchant.created_at
    monkeypatch.setattr(stripe_gateway, "of", lambda _merchant: pytest.fail("asked"))

    truth.ask_all([case], now=timezone.now()).take_over(case)


def test_what_stripe_says_of_a_one_time_payment_is_taken_over_before_the_invoices_are_asked_about(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment, invoiced = debts(merchant, 2)
    payment.stripe_invoice_id, payment.stripe_payment_intent_id = "", "pi_1"
    asked = answered(monkeypatch, lambda invoice_id: Invoice.read({"id": invoice_id}))
    monkeypatch.setattr(settling, "settle", lambda *, case, **_: asked.append(case.debt_id))

    told = truth.ask_all([invoiced, payment], now=timezone.now())
    assert asked == ["pi_1", "in_2"]

    told.take_over(payment)
    assert asked == ["pi_1", "in_2"]


def test_an_answer_is_believed_for_some_seconds(
    queued: list[DunningMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others may have to be waited for: a merchant's silent Stripe takes most of a minute."""
    monkeypatch.setattr(truth, "BELIEVED", 0)
    deliver_queued()

    assert mail.outbox == []
    for message in queued:
        message.refresh_from_db()
        assert (message.state, message.tries) == ("queued", 0)
        assert message.error == "What Stripe said of the debt is too long ago."


def test_a_silent_stripe_is_not_asked_about_each_one_time_payment_of_its_merchant(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[RecoveryCase] = []

    def silence(*, case: RecoveryCase, **_: object) -> None:
        asked.append(case)
        raise StripeUnavailableError("no answer")

    monkeypatch.setattr(settling, "settle", silence)
    payments = debts(merchant, 8)
    for payment in payments:
        payment.stripe_invoice_id, payment.stripe_payment_intent_id = "", f"pi_{payment.pk}"

    told = truth.ask_all(payments, now=timezone.now())

    assert len(asked) == 1
    for payment in payments:
        with pytest.raises(truth.StaleError):
            told.take_over(payment)


def test_a_merchant_who_leaves_after_stripe_was_asked_is_written_about_no_more(
    queued: list[DunningMessage], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ask_all = truth.ask_all

    def leave(cases: Sequence[RecoveryCase], *, now: datetime) -> truth.Told:
        told = ask_all(cases, now=now)
        StripeConnection.objects.update(disconnected_at=now)
        return told

    monkeypatch.setattr(truth, "ask_all", leave)
    deliver_queued()

    assert mail.outbox == []
    for message in queued:
        message.refresh_from_db()
        assert (message.state, message.error) == (
            "skipped", "the merchant has disconnected Stripe",
        )  # fmt: skip
    assert "could not be" not in caplog.text


def test_a_one_time_payment_of_which_stripe_cannot_be_asked_is_stale(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silence(**_: object) -> None:
        raise StripeUnavailableError("no answer")

    [payment] = debts(merchant, 1)
    payment.stripe_invoice_id, payment.stripe_payment_intent_id = "", "pi_1"
    monkeypatch.setattr(settling, "settle", silence)

    with pytest.raises(truth.StaleError):
        truth.ask(payment, now=timezone.now())
