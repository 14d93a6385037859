"""Two workers, and work that another transaction has not finished."""

import json

import pytest
from django.db import connection, transaction
from django.utils import timezone

from recovery import cases, outbound, outbound_delivery, timeline, webhook_registrations
from recovery.models import (
    Merchant,
    OperatorTask,
    OutboundNotice,
    RecoveryCase,
    WebhookDelivery,
    WebhookRegistration,
)
from recovery.tasks import tell_webhooks
from recovery.timeline import Kind
from recovery.webhook_registrations import TooManyRegistrationsError
from tests.builders import make_merchant, receive
from tests.recovery.receivers import Receiver, receiver, registered, says
from tests.recovery.test_ingest import failed
from tests.threads import WAITS, at_once, in_thread

__all__ = ["receiver"]
pytestmark = pytest.mark.django_db(transaction=True)
postgresql = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="SQLite has one writer at a time."
)


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


@pytest.fixture
def case(merchant: Merchant) -> RecoveryCase:
    receive(failed(1, 0))
    return RecoveryCase.objects.get()


def tell(case: RecoveryCase, once: str) -> None:
    timeline.append(case=case, kind=Kind.LINK_OPENED, summary="x", once=once, at=timezone.now())


def test_two_workers_send_each_message_once(merchant: Merchant, receiver: Receiver) -> None:
    registration = registered(merchant, receiver)
    for _ in range(12):
        webhook_registrations.send_test(registration=registration, now=timezone.now())

    at_once(*[tell_webhooks] * 3)
    tell_webhooks()

    ids = [request.headers["webhook-id"] for request in receiver.requests]
    assert len(ids) == len(set(ids)) == 12


def test_two_workers_number_each_notice_once(case: RecoveryCase) -> None:
    registered(case.merchant)
    for number in range(10):
        tell(case, str(number))

    at_once(*[lambda: outbound.publish(now=timezone.now())] * 3)

    numbers = OutboundNotice.objects.order_by("id").values_list("sequence", flat=True)
    assert list(numbers) == list(range(1, 11))
    assert WebhookDelivery.objects.count() == 10


def test_the_same_thing_told_at_once_is_told_once(case: RecoveryCase) -> None:
    registered(case.merchant)

    at_once(*[lambda: tell(case, "the same")] * 3)

    assert case.timeline.filter(kind="link_opened").count() == 1
    assert OutboundNotice.objects.count() == 1


def test_workers_and_happenings_at_once_lose_nothing_and_keep_the_order(
    case: RecoveryCase, receiver: Receiver
) -> None:
    registered(case.merchant, receiver)

    def happen() -> None:
        for number in range(10):
            tell(case, str(number))

    at_once(happen, tell_webhooks, tell_webhooks)
    tell_webhooks()

    told = [json.loads(request.body)["sequence"] for request in receiver.requests]
    assert told == list(range(1, 11))


@postgresql
def test_who_writes_of_a_case_does_not_wait_for_its_numbers(case: RecoveryCase) -> None:
    registered(case.merchant)
    tell(case, "first")
    with transaction.atomic():
        outbound.publish(now=timezone.now())
        writing = in_thread(lambda: tell(case, "second"))
        writing.join(WAITS)
        assert not writing.is_alive()

    assert OutboundNotice.objects.filter(published_at__isnull=True).count() == 1


@postgresql
def test_a_case_that_somebody_holds_is_numbered_later_and_holds_up_no_other(
    case: RecoveryCase,
) -> None:
    registered(case.merchant)
    receive(failed(1, 0, "in_2"))
    other = RecoveryCase.objects.get(stripe_invoice_id="in_2")
    OutboundNotice.objects.all().delete()
    tell(case, "x")
    tell(other, "x")
    with transaction.atomic():
        cases.locked(case)
        publishing = in_thread(lambda: outbound.publish(now=timezone.now()))
        publishing.join(WAITS)
        assert not publishing.is_alive()

    [waiting] = OutboundNotice.objects.filter(published_at__isnull=True)
    assert waiting.case == case
    outbound.publish(now=timezone.now())
    assert not OutboundNotice.objects.filter(published_at__isnull=True).exists()


@postgresql
def test_what_another_worker_is_claiming_is_left_to_it(merchant: Merchant) -> None:
    registration = registered(merchant)
    webhook_registrations.send_test(registration=registration, now=timezone.now())
    now, found = timezone.now(), []
    with transaction.atomic():
        ours = outbound_delivery.claim(now=now, is_failing=False)
        other = in_thread(lambda: found.extend(outbound_delivery.claim(now=now, is_failing=False)))
        other.join(WAITS)
        assert not other.is_alive()

    assert (len(ours), found) == (1, [])


def test_an_endpoint_that_is_gone_for_two_workers_makes_one_task(
    merchant: Merchant, receiver: Receiver
) -> None:
    registration = registered(merchant, receiver)
    receiver.behaviors = [says(410)]
    for _ in range(5):
        webhook_registrations.send_test(registration=registration, now=timezone.now())

    at_once(*[tell_webhooks] * 3)
    tell_webhooks()

    assert WebhookRegistration.objects.get().disabled_reason == "gone"
    assert OperatorTask.objects.count() == 1
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"given_up"}


@postgresql
def test_two_who_register_at_once_are_counted_one_by_one(merchant: Merchant) -> None:
    for _ in range(19):
        registered(merchant)
    refused = []

    def register() -> None:
        try:
            registered(merchant)
        except TooManyRegistrationsError as error:
            refused.append(error)

    at_once(register, register, register)

    assert (WebhookRegistration.objects.count(), len(refused)) == (20, 2)
    assert connection.vendor == "postgresql"
