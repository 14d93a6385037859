"""Stripe's events: stored once, claimed by one worker, tried again, given up late and visibly."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from recovery import backoff, inbox
from recovery.models import Customer, Merchant, StripeEvent
from recovery.stripe_events import Event
from tests.builders import event, make_merchant
from tests.journeys.product import wait_for
from tests.recovery.stories import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


def store(merchant: Merchant, *, event_id: str, invoice: str = "in_1") -> None:
    payload = json.dumps({**event("invoice.paid", {"id": invoice}), "id": event_id})
    inbox.store(merchant=merchant, event=Event.parse(payload), payload=payload, now=NOW)


def claimed(now: datetime) -> list[str]:
    return [one.stripe_event_id for one in inbox.claim(now=now)]


@pytest.mark.parametrize("named", ["customer", "customer_account"])
@pytest.mark.parametrize("stripe_id", ["cus_9", "acct_9"])
def test_what_names_an_erased_person_is_not_kept_whatever_their_id(
    named: str, stripe_id: str
) -> None:
    merchant = make_merchant()
    Customer.objects.create(
        merchant=merchant, stripe_customer_id=stripe_id, known_at=NOW, erased_at=NOW
    )
    told = {"id": "in_1", named: stripe_id, "customer_email": "jo@example.com"}
    payload = json.dumps({**event("invoice.paid", told), "account": "acct_merchants"})
    inbox.store(merchant=merchant, event=Event.parse(payload), payload=payload, now=NOW)

    inbox.processed(*inbox.claim(now=NOW), now=NOW)

    assert StripeEvent.objects.get().payload == ""


# --- stored once ------------------------------------------------------------------------------


def test_an_event_is_stored_pending_with_the_bytes_that_were_signed_and_what_it_concerns() -> None:
    store(make_merchant(), event_id="evt_1")

    [stored] = StripeEvent.objects.all()
    assert (stored.state, stored.tries, stored.due_at, stored.received_at) == (
        "pending", 0, NOW, NOW,
    )  # fmt: skip
    assert (stored.type, stored.concerns) == ("invoice.paid", "in_1")
    assert json.loads(stored.payload)["id"] == "evt_1"


def test_a_second_delivery_changes_nothing_of_the_first() -> None:
    merchant = make_merchant()
    store(merchant, event_id="evt_1")
    store(merchant, event_id="evt_1", invoice="in_2")

    assert StripeEvent.objects.get().concerns == "in_1"


def test_two_merchants_may_hear_of_the_same_event() -> None:
    store(make_merchant("Fern"), event_id="evt_1")
    store(make_merchant("Moss"), event_id="evt_1")

    assert StripeEvent.objects.count() == 2


def test_what_was_told_of_an_object_is_found_in_the_order_it_came_for_its_merchant_alone() -> None:
    fern, moss = make_merchant("Fern"), make_merchant("Moss")
    for event_id, invoice in [("evt_2", "in_1"), ("evt_1", "in_1"), ("evt_3", "in_2")]:
        store(fern, event_id=event_id, invoice=invoice)
    store(moss, event_id="evt_4", invoice="in_1")

    found = inbox.told_of(fern, ["in_1"])

    assert [one.stripe_event_id for one in found] == ["evt_2", "evt_1"]


# --- claimed ----------------------------------------------------------------------------------


def test_a_claimed_event_is_nobody_elses_until_its_lease_ends() -> None:
    store(make_merchant(), event_id="evt_1")

    assert claimed(NOW) == ["evt_1"]
    assert claimed(NOW + inbox.LEASE - timedelta(seconds=1)) == []
    assert claimed(NOW + inbox.LEASE) == ["evt_1"]
    assert StripeEvent.objects.get().tries == 2


def test_a_worker_that_lives_keeps_what_it_claimed() -> None:
    store(make_merchant(), event_id="evt_1")
    [event] = inbox.claim(now=NOW)
    later = NOW + inbox.LEASE - timedelta(seconds=1)

    until = inbox.renew([event], until=event.due_at, now=later)

    assert until == event.due_at == later + inbox.LEASE
    assert claimed(NOW + inbox.LEASE) == []
    assert claimed(until) == ["evt_1"]


def test_what_was_put_off_is_not_kept() -> None:
    merchant = make_merchant()
    for event_id in ("evt_1", "evt_2"):
        store(merchant, event_id=event_id)
    batch = inbox.claim(now=NOW)
    inbox.failed(batch[1], error="x", is_permanent=False, now=NOW)

    inbox.renew(batch, until=NOW + inbox.LEASE, now=NOW + timedelta(seconds=1))

    due = list(StripeEvent.objects.order_by("id").values_list("due_at", flat=True))
    assert due == [NOW + timedelta(seconds=1) + inbox.LEASE, NOW + backoff.pause(1)]


def test_a_lease_that_is_over_is_not_renewed() -> None:
    store(make_merchant(), event_id="evt_1")
    slow = inbox.claim(now=NOW)
    assert claimed(NOW + inbox.LEASE) == ["evt_1"]

    inbox.renew(slow, until=NOW + inbox.LEASE, now=NOW + inbox.LEASE)

    assert slow[0].due_at == NOW + inbox.LEASE
    assert StripeEvent.objects.get().due_at == NOW + 2 * inbox.LEASE


@pytest.mark.django_db(transaction=True)
def test_what_is_held_is_renewed_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "SAYS_SO_EVERY", 0.01)
    store(make_merchant(), event_id="evt_1")
    [event] = inbox.claim(now=timezone.now())
    until = event.due_at
    with inbox.held([event]):
        wait_for(lambda: event.due_at > until)
    assert StripeEvent.objects.get().due_at == event.due_at


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_gone_renews_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(inbox, "SAYS_SO_EVERY", 0.01)
    monkeypatch.setattr(inbox, "renew", gone)
    store(make_merchant(), event_id="evt_1")
    [event] = inbox.claim(now=timezone.now())
    with inbox.held([event]):
        wait_for(lambda: "can't be renewed" in caplog.text)


def test_an_event_is_not_claimed_before_it_is_due() -> None:
    store(make_merchant(), event_id="evt_1")
    assert claimed(NOW - timedelta(seconds=1)) == []


def test_events_are_claimed_oldest_first_in_batches() -> None:
    merchant = make_merchant()
    for number in range(inbox.BATCH + 1):
        store(merchant, event_id=f"evt_{number}")

    first, second = claimed(NOW), claimed(NOW)

    assert first == [f"evt_{number}" for number in range(inbox.BATCH)]
    assert second == [f"evt_{inbox.BATCH}"]


def test_claiming_a_batch_costs_the_same_however_many_events_it_has(
    django_assert_num_queries: object,
) -> None:
    merchant = make_merchant()
    for number in range(20):
        store(merchant, event_id=f"evt_{number}")

    # savepoint, events, merchants, update, release
    with django_assert_num_queries(5):  # type: ignore[operator]
        batch = inbox.claim(now=NOW)
        assert {one.merchant.stripe.livemode for one in batch} == {None}


@pytest.mark.django_db(transaction=True)
def test_workers_who_claim_at_once_never_get_the_same_event() -> None:
    merchant = make_merchant()
    for number in range(3 * inbox.BATCH):
        store(merchant, event_id=f"evt_{number}")

    batches = at_once(*[lambda: claimed(NOW)] * 4)

    everything = [event_id for batch in batches for event_id in batch]
    assert len(everything) == len(set(everything))
    assert set(everything) <= {f"evt_{number}" for number in range(3 * inbox.BATCH)}
    assert len(everything) >= inbox.BATCH
    assert set(StripeEvent.objects.values_list("tries", flat=True)) <= {0, 1}


# --- processed, tried again, given up ---------------------------------------------------------


def test_a_processed_event_is_done_and_its_earlier_error_forgotten() -> None:
    store(make_merchant(), event_id="evt_1")
    [one] = inbox.claim(now=NOW)
    inbox.failed(one, error="Boom", is_permanent=False, now=NOW)

    inbox.processed(one, now=NOW)

    one.refresh_from_db()
    assert (one.state, one.error, one.processed_at) == ("processed", "", NOW)
    assert claimed(NOW + timedelta(days=1)) == []


def test_a_failed_event_waits_longer_each_time() -> None:
    store(make_merchant(), event_id="evt_1")
    now, pauses = NOW, []
    for _try in range(5):
        [one] = inbox.claim(now=now)
        inbox.failed(one, error="Boom", is_permanent=False, now=now)
        one.refresh_from_db()
        assert (one.state, one.error) == ("pending", "Boom")
        pauses.append((one.due_at - now).total_seconds())
        now = one.due_at
    assert pauses == [10, 20, 40, 80, 160]


def test_an_event_that_fails_to_the_last_is_given_up_and_waits_for_a_person() -> None:
    store(make_merchant(), event_id="evt_1")
    now = NOW
    for _try in range(inbox.MOST_TRIES):
        [one] = inbox.claim(now=now)
        inbox.failed(one, error="Boom", is_permanent=False, now=now)
        now = one.due_at

    one.refresh_from_db()
    assert (one.state, one.error, one.tries) == ("failed", "Boom", 12)
    assert claimed(now + timedelta(days=30)) == []


def test_what_can_never_succeed_is_given_up_at_once() -> None:
    store(make_merchant(), event_id="evt_1")
    [one] = inbox.claim(now=NOW)

    inbox.failed(one, error="Unreadable", is_permanent=True, now=NOW)

    one.refresh_from_db()
    assert (one.state, one.tries) == ("failed", 1)


def test_an_endless_error_is_kept_by_its_beginning() -> None:
    store(make_merchant(), event_id="evt_1")
    [one] = inbox.claim(now=NOW)

    inbox.failed(one, error="x" * 100_000, is_permanent=False, now=NOW)

    one.refresh_from_db()
    assert one.error == "x" * 1000


@pytest.mark.parametrize(
    ("tries", "seconds"), [(0, 5), (1, 10), (12, 20_480), (13, 21_600), (10_000, 21_600)]
)
def test_the_pause_doubles_up_to_six_hours(tries: int, seconds: int) -> None:
    assert backoff.pause(tries) == timedelta(seconds=seconds)


def test_a_worker_that_outlived_its_lease_does_not_undo_what_another_one_did() -> None:
    store(make_merchant(), event_id="evt_1")
    [slow] = inbox.claim(now=NOW)
    [quick] = inbox.claim(now=NOW + inbox.LEASE)
    inbox.processed(quick, now=timezone.now())

    inbox.failed(slow, error="Too late", is_permanent=False, now=timezone.now())

    quick.refresh_from_db()
    assert (quick.state, quick.error) == ("processed", "")


def test_an_event_is_stored_alone_as_it_is_among_others() -> None:
    """Alone it goes by a statement of its own."""
    merchant = make_merchant()
    told = event(
        "invoice.payment_failed", {"id": "in_1", "amount_due": 4900, "number": "é \u2028"}
    )
    payload = json.dumps(told, ensure_ascii=False)
    alone = Event.parse(payload)
    among = replace(alone, id="evt_among_others")

    inbox.store(merchant=merchant, event=alone, payload=payload, now=NOW)
    inbox.store_missing(merchant=merchant, listed={among.id: (among, payload)}, now=NOW)

    first, second = StripeEvent.objects.order_by("id").values()
    for row in (first, second):
        del row["id"], row["stripe_event_id"]
    assert first == second
    assert first["payload"] == payload
