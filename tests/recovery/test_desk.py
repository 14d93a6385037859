"""At a desk, what several use cases do to the same rows is read once and written once."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from recovery import cases, customers, desk, timeline
from recovery.models import Customer, Merchant, RecoveryCase, TimelineEntry
from recovery.state_machine import Trigger
from recovery.timeline import Kind
from tests.builders import event, make_merchant, receive
from tests.recovery.stories import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
NOW = timezone.now() + timedelta(hours=1)  # later than what opened the case


@pytest.fixture
def merchant(db: None) -> Merchant:
    return make_merchant()


@pytest.fixture
def case(merchant: Merchant) -> RecoveryCase:
    receive(event("invoice.payment_failed", {"id": "in_1", "amount_due": 4900}))
    return RecoveryCase.objects.get()


def note(case: RecoveryCase, once: str = "n") -> None:
    timeline.append(case=case, kind=Kind.NOTE, summary="Called.", once=once, at=NOW)


def work(case: RecoveryCase) -> None:
    cases.note_payment(case=case, is_under_way=True, at=NOW)
    cases.is_to_be_enriched(case=case, at=NOW)
    cases.advance(case=case, trigger=Trigger.INVOICE_VOIDED, at=NOW, now=NOW, once="e")
    note(case)


def remember(merchant: Merchant, email: str, *, hours: int) -> None:
    customers.remember(
        merchant=merchant, stripe_customer_id="cus_1", email=email, name="",
        at=NOW + timedelta(hours=hours), debt="in_1",
    )  # fmt: skip


def asked_of(asked: CaptureQueriesContext, verb: str, table: str) -> int:
    return sum(one["sql"].startswith(verb) and f'"{table}"' in one["sql"][:90] for one in asked)


def test_a_case_is_read_once_and_written_once(case: RecoveryCase) -> None:
    with CaptureQueriesContext(connection) as asked, desk.sitting():
        work(case)

    assert asked_of(asked, "UPDATE", "recovery_recoverycase") == 1
    assert sum('FROM "recovery_recoverycase"' in one["sql"] for one in asked) == 1
    assert asked_of(asked, "INSERT", "recovery_timelineentry") == 1
    case.refresh_from_db()
    assert (case.status, case.is_payment_under_way, case.enrich_at) == ("voided", True, NOW)


def test_without_a_desk_each_step_is_done_when_it_returns(case: RecoveryCase) -> None:
    cases.note_payment(case=case, is_under_way=True, at=NOW)
    assert RecoveryCase.objects.get().is_payment_under_way

    note(case)
    assert TimelineEntry.objects.filter(once="n").exists()


def test_who_is_at_a_desk_already_sits_at_that(db: None) -> None:
    with desk.sitting() as first, desk.sitting() as second:
        assert first is second is desk.current()

    assert desk.current() is None


def test_nothing_is_written_if_anything_goes_wrong(case: RecoveryCase) -> None:
    def go_wrong() -> None:
        with desk.sitting():
            work(case)
            raise LookupError

    with pytest.raises(LookupError):
        go_wrong()

    case.refresh_from_db()
    assert (case.status, case.timeline.filter(once="n").count()) == ("open", 0)
    assert desk.current() is None


def test_only_what_has_changed_is_written(case: RecoveryCase) -> None:
    """Whoever writes of the same row without a lock, a flag say, isn't undone."""
    with desk.sitting():
        held = cases.locked(case)
        RecoveryCase.objects.update(is_reached=True)
        held.description = "Tea"

    case.refresh_from_db()
    assert (case.is_reached, case.description) == (True, "Tea")


def test_the_same_story_is_told_once(case: RecoveryCase) -> None:
    with desk.sitting():
        note(case)
        note(case)
    with desk.sitting():
        note(case)

    assert case.timeline.filter(once="n").count() == 1


def test_a_customer_who_is_new_is_found_again_at_the_desk(merchant: Merchant) -> None:
    with desk.sitting():
        remember(merchant, "jo@example.com", hours=0)
        remember(merchant, "jo@fern.example", hours=1)

    known = Customer.objects.get()
    assert (known.email, known.alternate_email) == ("jo@fern.example", "jo@example.com")


def test_what_is_done_at_a_desk_alone_says_so() -> None:
    with pytest.raises(RuntimeError, match=r"^This is done at a desk\.$"):
        desk.found(Customer, merchant_id=1, stripe_customer_id="cus_1")


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer.")
def test_two_who_write_the_same_new_row_end_with_one_and_both_facts(merchant: Merchant) -> None:
    calls = [
        partial(remember, merchant, f"jo{hours}@example.com", hours=hours) for hours in range(6)
    ]

    at_once(*calls)

    assert Customer.objects.get().email == "jo5@example.com"


def test_who_finds_the_same_row_written_again_and_again_is_told(merchant: Merchant) -> None:
    tried = []

    @desk.at_desk
    def write() -> None:
        tried.append(1)
        for _copy in range(2):
            desk.add(Customer(merchant=merchant, stripe_customer_id="cus_1", known_at=NOW))

    with pytest.raises(IntegrityError), transaction.atomic():
        write()

    assert len(tried) == desk.TRIES
    assert not Customer.objects.exists()
