"""Stripe is asked about the debts of several mails at the same time, before the first goes."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from dunning.mail import delivery, truth
from dunning.models import DunningMessage
from dunning.tasks import deliver_queued, start_runs, work_due_steps
from recovery import asking, cases, stripe_gateway
from recovery.models import Merchant, RecoveryCase
from recovery.stripe_errors import ObjectMissingError, StripeUnavailableError
from recovery.stripe_gateway import StripeGateway
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

    found = delivery._debts_of([message.pk], now=message.due_at)

    assert len(found) == RecoveryCase.objects.count() == 2


def test_what_makes_it_impossible_to_ask_ahead_holds_up_no_mail(
    queued: list[DunningMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(_cases: object, **_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(truth, "ask_ahead", break_down)
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


def test_an_answer_is_believed_for_some_seconds(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    [case] = debts(merchant, 1)
    answered(monkeypatch, lambda invoice_id: invoice_id)
    assert truth.ask_ahead([case], now=timezone.now()).of(case) is not None
    monkeypatch.setattr(truth, "BELIEVED", 0)
    assert truth.ask_ahead([case], now=timezone.now()).of(case) is None


def test_what_is_heard_while_an_answer_is_believed_is_newer_than_the_answer(
    queued: list[DunningMessage],
) -> None:
    """Else a direct debit that has just begun would be dunned for, and charged besides."""
    case, asked_at = queued[0].case, timezone.now()
    told = truth.ask_ahead([case], now=asked_at)
    cases.note_payment(case=case, is_under_way=True, at=asked_at + timedelta(seconds=3))

    truth.ask(case, now=asked_at + timedelta(seconds=6), told=told)

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

    told = truth.ask_ahead(owed, now=timezone.now())

    assert len(asked) <= 2
    for case in owed:
        with pytest.raises(truth.StaleError):
            truth.ask(case, now=case.opened_at, told=told)
    assert len(asked) <= 2


def test_one_debt_that_stripe_knows_nothing_of_says_nothing_of_the_next(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(invoice_id: str) -> str:
        if invoice_id == "in_1":
            raise ObjectMissingError("No such invoice.")
        return invoice_id

    answered(monkeypatch, answer)
    missing, known = debts(merchant, 2)

    told = truth.ask_ahead([missing, known], now=timezone.now())

    assert told.of(known) is not None
    truth.ask(missing, now=missing.opened_at, told=told)  # the events are all there is to know


@pytest.mark.parametrize("what", ["a one-time payment", "a merchant who left"])
def test_nothing_is_asked_ahead_about(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    [case] = debts(merchant, 1)
    if what == "a one-time payment":
        case.stripe_invoice_id, case.stripe_payment_intent_id = "", "pi_1"
    else:
        merchant.stripe.disconnected_at = merchant.created_at
    monkeypatch.setattr(stripe_gateway, "of", lambda _merchant: pytest.fail("asked"))

    assert truth.ask_ahead([case], now=timezone.now()).of(case) is None
