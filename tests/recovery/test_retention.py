"""What events said is forgotten after the merchant's days, a batch at a time; that they came is
not."""

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from recovery import inbox, merchants, retention
from recovery.inbox import PayloadForgottenError
from recovery.models import Merchant, StripeEvent
from recovery.stripe_events import Event
from recovery.tasks import forget_payloads
from tests.builders import event, make_merchant
from tests.recovery.metrics.test_plans import plans
from tests.recovery.stories import at_once
from tests.threads import WAITS, in_thread

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
only_on_postgresql = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="SQLite has one writer at a time."
)


def told(
    merchant: Merchant, event_id: str, *, days_ago: float, state: str = "processed"
) -> StripeEvent:
    """An event that came so long ago and became what `state` says."""
    payload = json.dumps(event("invoice.paid", {"id": "in_1"}, id=event_id))
    came_at = NOW - timedelta(days=days_ago)
    inbox.store(merchant=merchant, event=Event.parse(payload), payload=payload, now=came_at)
    stored = StripeEvent.objects.of(merchant).get(stripe_event_id=event_id)
    stored.state = state
    stored.processed_at = came_at if state == "processed" else None
    stored.save()
    return stored


def keep_for(merchant: Merchant, days: int) -> None:
    merchants.describe(merchant=merchant, given={"payload_days": days})


def forgotten() -> list[str]:
    """The ids of the events whose payload is gone, as they came."""
    gone = StripeEvent.objects.filter(payload="").order_by("id")
    return list(gone.values_list("stripe_event_id", flat=True))


def facts(stored: StripeEvent) -> dict[str, Any]:
    return {**StripeEvent.objects.filter(pk=stored.pk).values().get()}


# --- what is forgotten ------------------------------------------------------------------------


def test_what_an_event_said_is_forgotten_after_ninety_days_and_that_it_came_is_not() -> None:
    merchant = make_merchant()
    before = facts(told(merchant, "evt_1", days_ago=90))

    assert retention.forget_payloads(merchant, now=NOW) == 1

    after = facts(StripeEvent.objects.get())
    assert after == before | {"payload": "", "payload_forgotten_at": NOW}
    assert (after["type"], after["concerns"], after["state"]) == (
        "invoice.paid", "in_1", "processed",
    )  # fmt: skip


def test_it_is_kept_until_then() -> None:
    merchant = make_merchant()
    stored = told(merchant, "evt_1", days_ago=90)
    before = facts(stored)

    assert retention.overdue(now=NOW - timedelta(seconds=1)) == []
    assert retention.forget_payloads(merchant, now=NOW - timedelta(seconds=1)) == 0

    assert facts(stored) == before


def test_what_waits_or_was_given_up_is_kept_as_long_as_it_may_be_processed() -> None:
    merchant = make_merchant()
    kept = [told(merchant, f"evt_{state}", days_ago=400, state=state)
            for state in ("pending", "failed")]  # fmt: skip
    before = [facts(one) for one in kept]

    assert retention.overdue(now=NOW) == []
    assert retention.forget_payloads(merchant, now=NOW) == 0

    assert [facts(one) for one in kept] == before


def test_each_merchants_days_are_its_own() -> None:
    fern, moss, reed = (make_merchant(name) for name in ("Fern", "Moss", "Reed"))
    keep_for(fern, 30)
    keep_for(moss, 3650)
    for merchant in (fern, moss, reed):
        for days in (29, 31, 100):
            told(merchant, f"evt_{merchant.name}_{days}", days_ago=days)

    forget(fern, moss, reed)

    assert forgotten() == ["evt_Fern_31", "evt_Fern_100", "evt_Reed_100"]


def forget(*of: Merchant) -> None:
    for merchant in of:
        retention.forget_payloads(merchant, now=NOW)


def test_who_asks_for_more_days_has_them_at_once() -> None:
    merchant = make_merchant()
    told(merchant, "evt_1", days_ago=100)
    [read_before] = retention.overdue(now=NOW)
    keep_for(merchant, 365)

    assert retention.forget_payloads(read_before, now=NOW) == 0

    assert forgotten() == []


@pytest.mark.parametrize("days", [-1, 0, 29, 3651, 40_000])
def test_days_that_make_no_sense_are_refused(days: int) -> None:
    merchant = make_merchant()

    with pytest.raises(ValidationError) as refused:
        keep_for(merchant, days)
    assert list(refused.value.message_dict) == ["payload_days"]
    if 0 <= days <= 3651:  # else the column itself has no room for it
        with pytest.raises(IntegrityError, match="a_month_to_ten_years"), transaction.atomic():
            Merchant.objects.update(payload_days=days)

    assert Merchant.objects.get().payload_days == 90


def test_what_is_to_be_processed_can_not_be_without_its_payload() -> None:
    stored = told(make_merchant(), "evt_1", days_ago=100)
    retention.forget_payloads(stored.merchant, now=NOW)

    with pytest.raises(IntegrityError, match="has_its_payload"), transaction.atomic():
        StripeEvent.objects.update(state="pending", processed_at=None)

    assert StripeEvent.objects.get().state == "processed"


# --- how much at once -------------------------------------------------------------------------


def test_the_oldest_are_forgotten_first_a_batch_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    merchant = make_merchant()
    for days in (110, 150, 120, 140, 130):
        told(merchant, f"evt_{days}", days_ago=days)

    counts, gone = [], []
    for _batch in range(4):
        counts.append(retention.forget_payloads(merchant, now=NOW))
        gone.append(sorted(forgotten()))

    assert counts == [2, 2, 1, 0]
    assert gone[0] == ["evt_140", "evt_150"]
    assert gone[1] == ["evt_120", "evt_130", "evt_140", "evt_150"]
    assert len(gone[2]) == len(gone[3]) == 5


def test_a_batch_costs_the_same_however_many_events_it_has(
    django_assert_num_queries: Any,
) -> None:
    merchant = make_merchant()
    for number in range(20):
        told(merchant, f"evt_{number}", days_ago=100)

    with django_assert_num_queries(1):
        retention.overdue(now=NOW)
    with django_assert_num_queries(5):  # savepoint, days, select, update, release
        assert retention.forget_payloads(merchant, now=NOW) == 20


def test_the_longest_overdue_comes_first_by_its_own_days() -> None:
    fern, moss, reed = (make_merchant(name) for name in ("Fern", "Moss", "Reed"))
    keep_for(moss, 30)
    told(fern, "evt_1", days_ago=100)  # for 10 days
    told(moss, "evt_2", days_ago=50)  # for 20
    told(reed, "evt_3", days_ago=89)

    assert retention.overdue(now=NOW) == [moss, fern]


def test_years_to_forget_keep_no_other_merchant_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    fern, moss = make_merchant("Fern"), make_merchant("Moss")
    for number in range(5):
        told(fern, f"evt_{number}", days_ago=900)
    told(moss, "evt_5", days_ago=800)
    turns = watched(monkeypatch)

    forget_payloads()

    assert turns == ["Fern", "Moss", "Fern", "Fern"]
    assert len(forgotten()) == 6


def watched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whose turn it was, as the task goes on."""
    turns: list[str] = []
    really = retention.forget_payloads

    def turn(merchant: Merchant, *, now: datetime) -> int:
        turns.append(merchant.name)
        return really(merchant, now=now)

    monkeypatch.setattr(retention, "forget_payloads", turn)
    return turns


def test_a_run_ends_when_its_time_is_over_and_the_next_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told(make_merchant(), "evt_1", days_ago=900)
    with monkeypatch.context() as briefly:
        briefly.setattr("recovery.tasks.FORGETTING", timedelta(0))
        forget_payloads()
    assert forgotten() == []

    forget_payloads()

    assert forgotten() == ["evt_1"]


def test_what_goes_wrong_with_one_merchant_stays_with_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fern, moss = make_merchant("Fern"), make_merchant("Moss")
    told(fern, "evt_1", days_ago=900)
    told(moss, "evt_2", days_ago=800)
    overdue = retention.overdue(now=NOW)
    monkeypatch.setattr(retention, "overdue", lambda **_: overdue)
    name = fern.public_id
    fern.delete()  # after it was found to be overdue

    forget_payloads()

    assert forgotten() == ["evt_2"]
    assert f"Merchant {name} failed; the others go on." in caplog.text


# --- several workers --------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_workers_who_forget_at_once_forget_each_payload_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retention, "BATCH", 10)
    merchant = make_merchant()
    for number in range(40):
        told(merchant, f"evt_{number}", days_ago=100)

    def work() -> int:
        return sum(retention.forget_payloads(merchant, now=NOW) for _batch in range(5))

    counts = at_once(*[work] * 3)

    assert sum(counts) == 40
    assert len(forgotten()) == 40


@only_on_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_worker_that_dies_in_a_batch_has_forgotten_nothing_and_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    merchant = make_merchant()
    for number in range(5):
        told(merchant, f"evt_{number}", days_ago=100 - number)
    has_begun, may_die = threading.Event(), threading.Event()

    def dies() -> None:
        with transaction.atomic():
            retention.forget_payloads(merchant, now=NOW)
            has_begun.set()
            may_die.wait(WAITS)
            transaction.set_rollback(True)

    dying = in_thread(dies)
    assert has_begun.wait(WAITS)
    assert retention.forget_payloads(merchant, now=NOW) == 2
    assert forgotten() == ["evt_3", "evt_4"]
    may_die.set()
    dying.join(WAITS)

    assert retention.forget_payloads(merchant, now=NOW) == 3
    assert len(forgotten()) == 5


@only_on_postgresql
@pytest.mark.django_db(transaction=True)
def test_whoever_has_an_event_processed_anew_while_it_is_forgotten_is_refused() -> None:
    stored = told(make_merchant(), "evt_1", days_ago=100)
    has_begun, may_end = threading.Event(), threading.Event()
    said: list[object] = []

    def forgets() -> None:
        with transaction.atomic():
            retention.forget_payloads(stored.merchant, now=NOW)
            has_begun.set()
            may_end.wait(WAITS)

    def replays() -> None:
        try:
            said.append(inbox.replay(stored, now=NOW))
        except PayloadForgottenError as error:
            said.append(error)

    forgetting = in_thread(forgets)
    assert has_begun.wait(WAITS)
    replaying = in_thread(replays)  # it waits for the row
    replaying.join(0.3)
    assert said == []
    may_end.set()
    for thread in (forgetting, replaying):
        thread.join(WAITS)

    assert [type(one) for one in said] == [PayloadForgottenError]
    assert (StripeEvent.objects.get().state, forgotten()) == ("processed", ["evt_1"])


# --- how they are found -----------------------------------------------------------------------


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL plans for itself.")
def test_what_is_overdue_is_read_off_an_index_however_much_was_forgotten_before() -> None:
    merchant, years = make_merchant(), 20_000
    StripeEvent.objects.bulk_create(
        StripeEvent(
            merchant=merchant, stripe_event_id=f"evt_{number}", type="invoice.paid",
            concerns=f"in_{number}", received_at=at, due_at=at, state="processed",
            processed_at=at, payload="" if is_old else "{}",
            payload_forgotten_at=at + 90 * DAY if is_old else None,
        )
        for number in range(years)
        for is_old in [number > years // 4]
        for at in [NOW - number * 360 * DAY / (years // 4)]
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE recovery_stripeevent")

    with CaptureQueriesContext(connection) as asked:
        assert retention.overdue(now=NOW) == [merchant]
        assert retention.forget_payloads(merchant, now=NOW) == retention.BATCH

    of_events = [plan for plan in plans(asked) if "recovery_stripeevent" in plan]
    assert len(of_events) == 2
    for plan in of_events:
        assert "payloads_by_age" in plan
        assert "Seq Scan on recovery_stripeevent" not in plan
        assert "Sort" not in plan
