"""What workers do with the inbox: everything once, whatever one event or the broker does."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from recover_project.celery import _broker, app
from recovery import inbox, ingest, turns
from recovery.models import RecoveryCase, StripeEvent
from recovery.tasks import process_inbox, tell_webhooks
from tests.builders import DOCUMENTED_EXAMPLE, event, make_merchant, post, receive
from tests.journeys.product import wait_for
from tests.recovery.stories import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def failed(invoice: str, **facts: Any) -> dict[str, Any]:
    return event("invoice.payment_failed", {"id": invoice, "amount_due": 4900, **facts})


@pytest.fixture
def no_thirteen(db: None) -> None:
    """The database takes no case of 13, until the test is rolled back: so anything fails."""
    statement = "ALTER TABLE recovery_recoverycase ADD CONSTRAINT no_thirteen CHECK (amount <> 13)"
    if connection.vendor == "sqlite":
        statement = (
            "CREATE TRIGGER no_thirteen BEFORE INSERT ON recovery_recoverycase "
            "WHEN NEW.amount = 13 BEGIN SELECT RAISE(ABORT, 'no thirteen'); END"
        )
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_every_pending_event_is_processed_however_many_batches_it_takes() -> None:
    make_merchant()
    for number in range(inbox.BATCH + 5):
        post(failed(f"in_{number}"))

    process_inbox()

    assert RecoveryCase.objects.count() == inbox.BATCH + 5
    assert set(StripeEvent.objects.values_list("state", flat=True)) == {"processed"}


def test_a_look_into_the_inbox_ends_with_its_turn_and_asks_for_another_while_there_is_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    make_merchant()
    monkeypatch.setattr(inbox, "BATCH", 1)
    monkeypatch.setattr(turns, "LONG", 0)
    ours = threading.get_ident()  # who stores events pokes from another thread

    def poke(**told: Any) -> None:
        if threading.get_ident() == ours:
            asked.append(told["queue"])

    monkeypatch.setattr(process_inbox, "apply_async", poke)
    for number in range(2):
        post(failed(f"in_{number}"))

    process_inbox()
    assert (RecoveryCase.objects.count(), asked) == (1, ["inbox"])
    process_inbox()
    assert (RecoveryCase.objects.count(), asked) == (2, ["inbox"] * 2)
    process_inbox()
    assert len(asked) == 2


def test_an_event_that_cannot_be_read_is_set_aside_and_the_others_are_processed() -> None:
    make_merchant()
    poison, sound = failed("in_1", amount_due=2**70), failed("in_2")

    receive(poison, sound)

    kept = StripeEvent.objects.get(stripe_event_id=poison["id"])
    assert (kept.state, kept.error, kept.tries) == (
        "failed", "amount_due is larger than any amount can be (1,000,000,000,000,000)", 1,
    )  # fmt: skip
    assert RecoveryCase.objects.get().stripe_invoice_id == "in_2"


def test_an_event_stored_as_something_else_is_set_aside() -> None:
    make_merchant()
    post(failed("in_1"))
    StripeEvent.objects.update(payload="{")

    process_inbox()

    kept = StripeEvent.objects.get()
    assert (kept.state, kept.error) == ("failed", "The body is not JSON.")


def test_an_event_that_fails_is_tried_again_later_and_the_others_go_on(
    no_thirteen: None, caplog: pytest.LogCaptureFixture
) -> None:
    make_merchant()
    unlucky = failed("in_1", amount_due=13)

    receive(unlucky, failed("in_2"))

    kept = StripeEvent.objects.get(stripe_event_id=unlucky["id"])
    assert (kept.state, kept.tries) == ("pending", 1)
    assert kept.error.startswith("IntegrityError: ")
    assert timezone.now() < kept.due_at <= timezone.now() + timedelta(seconds=10)
    assert RecoveryCase.objects.get().stripe_invoice_id == "in_2"
    assert f"Event {unlucky['id']} failed and will be tried again." in caplog.text


def test_an_event_that_failed_is_processed_once_what_was_wrong_is_mended(
    no_thirteen: None,
) -> None:
    make_merchant()
    receive(failed("in_1", amount_due=13))
    StripeEvent.objects.update(due_at=timezone.now(), payload=_mended(StripeEvent.objects.get()))

    process_inbox()

    kept = StripeEvent.objects.get()
    assert (kept.state, kept.error, kept.tries) == ("processed", "", 2)
    assert RecoveryCase.objects.get().amount == 14


def _mended(stored: StripeEvent) -> str:
    return stored.payload.replace('"amount_due": 13', '"amount_due": 14')


def test_an_event_whose_worker_died_is_found_by_the_sweep_when_its_lease_ends() -> None:
    make_merchant()
    post(failed("in_1"))
    inbox.claim(now=timezone.now())  # and the worker dies
    process_inbox()
    assert RecoveryCase.objects.count() == 0
    StripeEvent.objects.update(due_at=timezone.now())  # the lease has ended

    process_inbox()

    assert RecoveryCase.objects.count() == 1
    assert StripeEvent.objects.get().state == "processed"


def test_the_sweep_is_on_the_timetable_every_few_seconds() -> None:
    sweeps = [
        entry
        for entry in app.conf.beat_schedule.values()
        if entry["task"] == "recovery.process_inbox"
    ]
    assert [entry["schedule"] for entry in sweeps] == [5]


def test_tasks_tolerate_arguments_of_a_later_version() -> None:
    make_merchant()
    post(failed("in_1"))

    process_inbox(event_ids=[1], reason="of a later version")

    assert RecoveryCase.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_process_every_event_once() -> None:
    make_merchant()
    for number in range(30):
        post(failed(f"in_{number}"))

    at_once(process_inbox, process_inbox)
    process_inbox()

    assert set(StripeEvent.objects.values_list("state", "tries")) == {("processed", 1)}
    assert RecoveryCase.objects.count() == 30


@pytest.mark.django_db(transaction=True)
def test_an_event_that_two_workers_process_at_once_is_told_once() -> None:
    make_merchant()
    post(failed("in_1"))
    copies = [StripeEvent.objects.select_related("merchant__stripe").get() for _worker in "ab"]

    at_once(*(lambda copy=copy: ingest.process(copy, now=timezone.now()) for copy in copies))

    case = RecoveryCase.objects.get()
    assert case.attempts.count() == 1
    assert [entry.kind for entry in case.timeline.order_by("id")] == ["opened", "attempt_failed"]


def test_endpoints_that_fail_are_waited_for_once_all_others_have_heard_what_is_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent, asked = iter([20, 20, 0, 0]), []

    def deliver_due(*, is_failing: bool, **_: object) -> int:
        asked.append("failing" if is_failing else "others")
        return next(sent)

    monkeypatch.setattr("recovery.tasks.outbound_delivery.deliver_due", deliver_due)
    monkeypatch.setattr(turns, "SHORT", 0)
    for _turn in range(3):
        tell_webhooks()

    assert asked == ["others", "others", "others", "failing"]


# --- the broker -------------------------------------------------------------------------------


def use_broker(broker: dict[str, Any]) -> None:
    app.conf.update(broker)
    app._after_fork()  # type: ignore[attr-defined]  # forgets its connections


@pytest.fixture
def broker_down(settings: Settings) -> Iterator[None]:
    before = {name: app.conf[name] for name in ("broker_url", "broker_transport_options")}
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    use_broker(_broker())
    yield
    use_broker(before)


def test_an_event_is_taken_in_while_the_broker_is_down_and_processed_by_the_sweep(
    broker_down: None, caplog: pytest.LogCaptureFixture
) -> None:
    make_merchant()
    began_at = time.monotonic()

    assert post(failed("in_1")).status_code == 200

    assert time.monotonic() - began_at < 2  # Stripe doesn't wait for a broker
    wait_for(lambda: "the sweep will do recovery.process_inbox" in caplog.text)
    assert StripeEvent.objects.get().state == "pending"
    process_inbox()
    assert RecoveryCase.objects.count() == 1


def test_a_worker_whose_lease_is_over_leaves_the_rest_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_merchant()
    assert post(DOCUMENTED_EXAMPLE).status_code == 200
    monkeypatch.setattr(inbox, "LEASE", timedelta(0))
    process_inbox()
    assert StripeEvent.objects.get().state == "pending"

    monkeypatch.undo()
    process_inbox()
    assert StripeEvent.objects.get().state == "processed"
