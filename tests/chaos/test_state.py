"""What is compared of two runs."""

from typing import Any

import pytest
from django.db import connection

from dunning.models import DunningMessage, DunningRun
from dunning.tasks import start_runs, work_due_steps
from recovery.models import PaymentAttempt, RecoveryCase
from tests.builders import EXPIRED_CARD, make_merchant, receive
from tests.chaos import state

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def ask(question: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return list(cursor.fetchall())


@pytest.fixture
def case() -> RecoveryCase:
    make_merchant()
    receive(EXPIRED_CARD)
    start_runs()
    work_due_steps()
    return RecoveryCase.objects.get()


def test_a_case_that_differs_is_named_and_has_another_hash(case: RecoveryCase) -> None:
    before = state.read(ask)
    assert state.differences(before, state.read(ask)) == []

    RecoveryCase.objects.update(amount=4901)

    after = state.read(ask)
    [line] = state.differences(before, after)
    assert line.startswith(f"Fern Tea Club/{case.stripe_invoice_id}: ")
    assert state.digest(before) != state.digest(after)


def test_a_case_that_is_missing_is_named(case: RecoveryCase) -> None:
    [line] = state.differences(state.read(ask), {})
    assert line.endswith("became None")


def test_whose_stripe_cannot_be_asked_may_be_taken_up_by_either_campaign(
    case: RecoveryCase,
) -> None:
    def read() -> state.State:
        return state.read(ask, unasked=["Fern Tea Club"])

    before = read()
    DunningRun.objects.update(next_position=9)
    assert read() == before
    assert state.read(ask) != before

    PaymentAttempt.objects.update(amount=1)
    assert read() != before


def test_who_asked_for_the_money_is_compared_while_it_is_owed(case: RecoveryCase) -> None:
    def differs() -> bool:
        RecoveryCase.objects.update(retry_driver="stripe")
        before = state.read(ask)
        RecoveryCase.objects.update(retry_driver="recover")
        return state.read(ask) != before

    assert differs()
    RecoveryCase.objects.update(status="lost", reason="operator_closed", closed_at=case.opened_at)
    assert not differs()


def test_a_mail_that_may_have_gone_counts_as_one_that_went_and_one_that_waits_does_not(
    case: RecoveryCase,
) -> None:
    waiting = state.read(ask)
    DunningMessage.objects.update(state="unknown")
    unknown = state.read(ask)
    DunningMessage.objects.update(state="sent", sent_at=case.opened_at)

    assert state.read(ask) == unknown != waiting


@pytest.mark.usefixtures("case")
def test_our_own_ids_are_not_compared() -> None:
    before = state.read(ask)
    DunningMessage.objects.update(public_id="msg_another")
    RecoveryCase.objects.update(public_id="case_another")
    assert state.read(ask) == before
