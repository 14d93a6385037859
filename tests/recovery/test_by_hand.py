"""Cases that operators pause, resume and give up."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from recovery import cases
from recovery.cases import ClosedCaseError, EmptyNoteError
from recovery.models import RecoveryCase
from recovery.state_machine import Trigger
from recovery.tasks import resume_cases
from tests.builders import make_merchant
from tests.recovery.api.asking import NOON, case

pytestmark = pytest.mark.django_db
JO = "user:1"
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


@pytest.fixture
def debt() -> RecoveryCase:
    return case(make_merchant())


def told(debt: RecoveryCase) -> list[tuple[str, str, str]]:
    rows = debt.timeline.order_by("at", "id")
    return list(rows.values_list("kind", "actor", "summary"))


def pause_of(debt: RecoveryCase) -> tuple[bool, object]:
    debt.refresh_from_db()
    return debt.is_paused, debt.paused_until


def test_a_case_is_paused_until_somebody_resumes_it(debt: RecoveryCase) -> None:
    paused = cases.pause(case=debt, until=None, actor=JO, now=NOON)
    cases.resume_due(now=NOON + 400 * DAY)

    assert paused.is_changed
    assert pause_of(debt) == (True, None)
    assert told(debt) == [("paused", JO, "The case is paused until somebody resumes it.")]


def test_a_case_that_is_paused_already_stays_so_and_tells_nothing(debt: RecoveryCase) -> None:
    cases.pause(case=debt, until=NOON + DAY, actor=JO, now=NOON)
    again = cases.pause(case=debt, until=NOON + DAY, actor=JO, now=NOON + SECOND)

    assert not again.is_changed
    assert len(told(debt)) == 1


def test_a_pause_may_be_made_longer(debt: RecoveryCase) -> None:
    cases.pause(case=debt, until=NOON + DAY, actor=JO, now=NOON)
    longer = cases.pause(case=debt, until=NOON + 2 * DAY, actor=JO, now=NOON + SECOND)

    assert longer.is_changed
    assert pause_of(debt) == (True, NOON + 2 * DAY)
    assert told(debt)[1] == ("paused", JO, "The case is paused until 2026-11-05 12:00 UTC.")


def test_a_pause_ends_when_it_was_said_to(debt: RecoveryCase) -> None:
    cases.pause(case=debt, until=NOON + DAY, actor=JO, now=NOON)
    cases.resume_due(now=NOON + DAY - SECOND)
    assert pause_of(debt) == (True, NOON + DAY)

    cases.resume_due(now=NOON + DAY)
    cases.resume_due(now=NOON + DAY)

    assert pause_of(debt) == (False, None)
    assert told(debt)[1:] == [("resumed", "recover", "The case goes on.")]


def test_the_worker_looks_for_pauses_that_are_over(debt: RecoveryCase) -> None:
    cases.pause(case=debt, until=NOON - 300 * DAY, actor=JO, now=NOON - 301 * DAY)
    RecoveryCase.objects.update(paused_until=NOON - 300 * DAY)

    resume_cases()

    assert pause_of(debt) == (False, None)


def test_a_pause_that_was_made_longer_meanwhile_goes_on(
    debt: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the sweep's look and its lock."""
    cases.pause(case=debt, until=NOON + DAY, actor=JO, now=NOON)

    def lengthened(found: RecoveryCase) -> RecoveryCase:
        RecoveryCase.objects.filter(pk=found.pk).update(paused_until=NOON + 9 * DAY)
        return RecoveryCase.objects.get(pk=found.pk)

    monkeypatch.setattr("recovery.cases.by_hand.locked", lengthened)
    cases.resume_due(now=NOON + 2 * DAY)

    assert pause_of(debt) == (True, NOON + 9 * DAY)


def test_a_case_that_is_not_paused_has_nothing_to_resume(debt: RecoveryCase) -> None:
    assert not cases.resume(case=debt, actor=JO, now=NOON).is_changed
    assert told(debt) == []


def test_a_case_that_is_given_up_is_lost_and_its_pause_is_over(debt: RecoveryCase) -> None:
    cases.pause(case=debt, until=NOON + DAY, actor=JO, now=NOON)
    closed = cases.close(case=debt, reason="A friend.", actor=JO, now=NOON + SECOND)

    debt.refresh_from_db()
    assert closed.is_changed
    assert (debt.status, debt.reason, debt.closed_at) == (
        "lost", "operator_closed", NOON + SECOND,
    )  # fmt: skip
    assert pause_of(debt) == (False, None)
    assert told(debt)[1] == ("moved", JO, "Operator closed: the case is lost.")
    assert debt.timeline.get(kind="moved").facts == {"reason": "A friend."}


def test_what_is_lost_already_is_not_given_up_again(debt: RecoveryCase) -> None:
    cases.advance(case=debt, trigger=Trigger.CAMPAIGN_ENDED, at=NOON, now=NOON, once="end")
    closed = cases.close(case=debt, reason="", actor=JO, now=NOON + SECOND)

    debt.refresh_from_db()
    assert not closed.is_changed
    assert (debt.reason, len(told(debt))) == ("campaign_ended", 1)


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"status": "recovered", "reason": "invoice_paid", "mechanism": "stripe_retry",
          "amount_recovered": 4900}, "the money is already back"),
        ({"status": "voided", "reason": "invoice_voided"},
         "nothing was owed, so nothing can change that"),
    ],
    ids=["recovered", "voided"],
)  # fmt: skip
def test_what_is_paid_or_was_never_owed_is_nothing_to_handle(
    debt: RecoveryCase, facts: dict[str, object], why: str
) -> None:
    RecoveryCase.objects.update(**facts, closed_at=NOON)

    with pytest.raises(ClosedCaseError, match=why):
        cases.pause(case=debt, until=None, actor=JO, now=NOON)
    with pytest.raises(ClosedCaseError, match=why):
        cases.resume(case=debt, actor=JO, now=NOON)
    with pytest.raises(ClosedCaseError, match=why):
        cases.close(case=debt, reason="", actor=JO, now=NOON)

    debt.refresh_from_db()
    assert (debt.status, debt.is_paused, told(debt)) == (facts["status"], False, [])


def test_money_that_comes_for_a_case_that_was_given_up_is_recovered(debt: RecoveryCase) -> None:
    cases.close(case=debt, reason="", actor=JO, now=NOON)
    payment = cases.Payment(4900, attempt_count=2)
    cases.pay(
        case=debt, trigger=Trigger.INVOICE_PAID, payment=payment, at=NOON, now=NOON, once="evt_1"
    )

    debt.refresh_from_db()
    assert (debt.status, debt.amount_recovered) == ("recovered", 4900)


def test_only_a_pause_has_an_end(debt: RecoveryCase) -> None:
    with pytest.raises(IntegrityError, match="only_pauses_have_an_end"), transaction.atomic():
        RecoveryCase.objects.update(paused_until=NOON)


def test_a_note_is_kept_once_and_an_empty_one_not_at_all(debt: RecoveryCase) -> None:
    for _click in range(2):
        cases.note(case=debt, text=" She called. ", once="a", actor=JO, now=NOON)
    with pytest.raises(EmptyNoteError):
        cases.note(case=debt, text="  ", once="b", actor=JO, now=NOON)

    assert told(debt) == [("note", JO, "She called.")]
