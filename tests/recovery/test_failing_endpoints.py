"""Endpoints that fail are left alone in the end, and meanwhile hold up nobody else."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from recovery import outbound, outbound_delivery, timeline, webhook_registrations
from recovery.models import (
    Merchant,
    OperatorTask,
    RecoveryCase,
    WebhookDelivery,
    WebhookRegistration,
)
from recovery.tasks import tell_webhooks
from recovery.timeline import Kind
from tests.builders import make_merchant, receive
from tests.recovery.deliveries import GONE, REFUSED, TAKEN, a_test_to, claim, fails, only
from tests.recovery.receivers import Receiver, listening, receiver, registered, says, waits
from tests.recovery.test_ingest import failed

__all__ = ["receiver"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


# --- endpoints that fail ----------------------------------------------------------------------


def test_an_endpoint_that_is_gone_is_disabled_and_a_person_told(
    merchant: Merchant, receiver: Receiver
) -> None:
    a_test_to(merchant, receiver)
    receiver.behaviors = [says(410)]

    tell_webhooks()
    tell_webhooks()

    delivery = only()
    assert (delivery.state, delivery.last_status) == ("given_up", 410)
    assert delivery.registration.disabled_reason == "gone"
    task = OperatorTask.objects.get()
    assert (task.case, task.kind, task.merchant) == (None, "webhook_disabled", merchant)
    assert task.summary == (
        f"The webhook to {receiver.url} was disabled: it answered 410 Gone. Repair the endpoint "
        "and enable it again."
    )
    assert len(receiver.requests) == 1


def test_an_endpoint_that_takes_nothing_for_five_days_is_disabled(merchant: Merchant) -> None:
    delivery = a_test_to(merchant)
    now = timezone.now()
    fails(now)
    registration = WebhookRegistration.objects.get()
    assert registration.failing_since == now
    almost = now + timedelta(days=5) - timedelta(seconds=1)
    fails(almost)
    assert WebhookRegistration.objects.get().is_active
    webhook_registrations.send_test(registration=delivery.registration, now=almost)

    fails(now + timedelta(days=5))

    registration.refresh_from_db()
    assert (registration.state, registration.disabled_reason) == ("disabled", "failing")
    assert registration.disabled_at == now + timedelta(days=5)
    assert "it took nothing for 5 days" in OperatorTask.objects.get().summary
    assert claim(now + timedelta(days=30)) == []


def test_one_message_that_is_taken_starts_the_days_anew(merchant: Merchant) -> None:
    a_test_to(merchant)
    now = timezone.now()
    fails(now)
    [claimed] = claim(now + timedelta(days=4))
    outbound_delivery.record(claimed, TAKEN, now=now + timedelta(days=4), jitter=0.0)
    assert WebhookRegistration.objects.get().failing_since is None
    later = now + timedelta(days=6)
    webhook_registrations.send_test(registration=claimed.registration, now=later)

    fails(later)

    registration = WebhookRegistration.objects.get()
    assert (registration.state, registration.failing_since) == ("active", later)


def test_an_endpoint_that_was_enabled_again_is_told_a_second_time_if_it_fails(
    merchant: Merchant,
) -> None:
    registration = registered(merchant)
    for day in (0, 1):
        now = timezone.now() + timedelta(days=day)
        webhook_registrations.enable(registration=registration, now=now)
        webhook_registrations.send_test(registration=registration, now=now)
        for claimed in claim(now):
            outbound_delivery.record(claimed, GONE, now=now, jitter=0.0)

    assert OperatorTask.objects.count() == 2


def test_another_endpoint_hears_that_one_was_disabled(
    merchant: Merchant, receiver: Receiver
) -> None:
    a_test_to(merchant)
    registered(merchant, receiver, "task.created")
    [claimed] = claim(timezone.now())
    outbound_delivery.record(claimed, GONE, now=timezone.now(), jitter=0.0)

    tell_webhooks()

    [request] = receiver.requests
    assert json.loads(request.body)["data"]["rule"] == "webhook_disabled"


# --- whose turn it is -------------------------------------------------------------------------


def test_no_backlog_stands_before_other_endpoints(merchant: Merchant) -> None:
    busy, quiet = registered(merchant), registered(merchant)
    for registration in [busy] * 8 + [quiet]:
        webhook_registrations.send_test(registration=registration, now=timezone.now())

    batch = claim(timezone.now())

    assert [one.registration for one in batch].count(busy) == 5
    assert [one.registration for one in batch].count(quiet) == 1
    assert len(claim(timezone.now())) == 3


def test_endpoints_that_fail_are_served_apart(merchant: Merchant) -> None:
    broken, works = registered(merchant), registered(merchant)
    WebhookRegistration.objects.filter(pk=broken.pk).update(failing_since=timezone.now())
    for registration in (broken, works):
        webhook_registrations.send_test(registration=registration, now=timezone.now())
    now = timezone.now()

    first = outbound_delivery.claim(now=now, is_failing=False)
    second = outbound_delivery.claim(now=now, is_failing=True)

    assert [one.registration for one in first] == [works]
    assert [one.registration for one in second] == [broken]


def tell(case: RecoveryCase, number: int) -> None:
    timeline.append(
        case=case, kind=Kind.LINK_OPENED, summary="x", once=f"test:{number}", at=timezone.now()
    )


def sequences(batch: list[WebhookDelivery]) -> list[int | None]:
    return sorted((one.sequence for one in batch), key=str)


def test_what_tells_of_one_case_is_first_tried_in_its_order(merchant: Merchant) -> None:
    receive(failed(1, 0))
    case = RecoveryCase.objects.get()
    registered(merchant)
    for number in range(3):
        tell(case, number)
    outbound.publish(now=timezone.now())
    now = timezone.now()

    [first] = claim(now)
    assert claim(now) == []
    outbound_delivery.record(first, TAKEN, now=now, jitter=0.0)
    [second] = claim(now)
    outbound_delivery.record(second, REFUSED, now=now, jitter=0.0)
    [third] = claim(now)

    assert sequences([first, second, third]) == [1, 2, 3]
    assert WebhookDelivery.objects.get(sequence=2).state == "pending"


def test_the_order_of_one_case_and_endpoint_holds_up_no_other(merchant: Merchant) -> None:
    receive(failed(1, 0), failed(1, 0, "in_2"))
    one, other = RecoveryCase.objects.order_by("id")
    registered(merchant)
    registered(merchant)
    for number in range(2):
        tell(one, number)
        tell(other, number)
    outbound.publish(now=timezone.now())

    batch = claim(timezone.now())

    assert sequences(batch) == [1, 1, 1, 1]


def test_a_whole_backlog_goes_out_in_one_tick_and_in_order(
    merchant: Merchant, receiver: Receiver
) -> None:
    receive(failed(1, 0))
    case = RecoveryCase.objects.get()
    registered(merchant, receiver)
    for number in range(12):
        tell(case, number)

    tell_webhooks()

    told = [json.loads(request.body)["sequence"] for request in receiver.requests]
    assert told == list(range(1, 13))


@pytest.mark.django_db(transaction=True)
def test_a_dead_endpoint_keeps_nobody_elses_messages_waiting(
    merchant: Merchant, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recovery.posting.TOTAL_SECONDS", 0.5)
    with listening() as dead:
        dead.behaviors = [waits]
        broken = registered(merchant, dead)
        works = registered(make_merchant("moss"), receiver)
        for registration in [broken] * 6 + [works] * 20:
            webhook_registrations.send_test(registration=registration, now=timezone.now())

        tell_webhooks()

    assert len(receiver.requests) == 20
    assert WebhookDelivery.objects.filter(registration=works, state="delivered").count() == 20
    errors = WebhookDelivery.objects.filter(registration=broken).values_list("last_error")
    assert set(errors) == {("No answer within 0.5 seconds.",)}
