"""Webhooks on their way: signed, retried, given up and sent again, to a real endpoint."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from recovery import outbound_delivery, webhook_registrations
from recovery.models import (
    Merchant,
    WebhookDelivery,
)
from recovery.posting import Answer, post
from recovery.tasks import tell_webhooks
from tests.builders import make_merchant, receive
from tests.recovery.deliveries import REFUSED, TAKEN, a_test_to, claim, deliver, fails, only
from tests.recovery.receivers import Receiver, receiver, registered, resets, says
from tests.recovery.test_ingest import failed, paid

__all__ = ["receiver"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


# --- one message ------------------------------------------------------------------------------


def test_what_happened_reaches_an_endpoint_that_can_check_it(
    merchant: Merchant, receiver: Receiver
) -> None:
    registration, secret = webhook_registrations.register(
        merchant=merchant, url=receiver.url, event_types=["case.recovered"], now=timezone.now()
    )
    receiver.behaviors = [says(200, body=b"thanks")]
    receive(failed(1, 0), paid(5))

    tell_webhooks()

    [request] = receiver.requests
    told = Webhook(secret).verify(request.body, request.headers)
    assert (told["type"], told["data"]["case"]["status"]) == ("case.recovered", "recovered")
    delivery = only()
    assert request.headers["webhook-id"] == delivery.public_id
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"] == "Recover-Webhooks/1"
    assert (delivery.state, delivery.tries, delivery.last_status) == ("delivered", 1, 200)
    assert (delivery.response_excerpt, delivery.last_error) == ("thanks", "")
    assert delivery.delivered_at == delivery.tried_at
    assert delivery.last_duration
    assert delivery.registration == registration


def test_nothing_is_sent_twice_once_it_was_taken(merchant: Merchant, receiver: Receiver) -> None:
    a_test_to(merchant, receiver)

    for _ in range(3):
        tell_webhooks()

    assert len(receiver.requests) == 1


def test_while_a_secret_is_replaced_both_sign(merchant: Merchant, receiver: Receiver) -> None:
    delivery = a_test_to(merchant, receiver)
    old = delivery.registration.secret
    new = webhook_registrations.rotate_secret(
        registration=delivery.registration, now=timezone.now()
    )

    tell_webhooks()

    [request] = receiver.requests
    for secret in (old, new):
        assert Webhook(secret).verify(request.body, request.headers)["type"] == "webhook.test"


def test_what_was_not_taken_comes_again_under_the_same_id(
    merchant: Merchant, receiver: Receiver
) -> None:
    delivery = a_test_to(merchant, receiver)
    now = timezone.now()
    receiver.behaviors = [says(500, body=b"oops"), resets, says(302, "Location: /"), says(204)]

    deliver(now)
    first = only()
    assert (first.state, first.last_status, first.response_excerpt) == ("pending", 500, "oops")
    deliver(now + timedelta(hours=1))
    second = only()
    assert (second.last_status, second.last_error, second.response_excerpt) == (
        None, "The connection failed (ConnectionResetError).", "",
    )  # fmt: skip
    deliver(now + timedelta(hours=2))
    deliver(now + timedelta(hours=3))

    done = only()
    assert (done.state, done.tries, done.last_status) == ("delivered", 4, 204)
    assert {request.headers["webhook-id"] for request in receiver.requests} == {delivery.public_id}
    assert len({request.body for request in receiver.requests}) == 1
    assert len({request.headers["webhook-signature"] for request in receiver.requests}) == 4


def test_the_tries_are_spread_over_three_days_and_then_end(
    merchant: Merchant, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    a_test_to(merchant)
    began = now = only().due_at
    gaps = []
    while only().state == "pending":
        now = only().due_at
        gaps.append(now - began)
        fails(now)

    delivery = only()
    assert (delivery.state, delivery.tries, delivery.given_up_at) == ("given_up", 10, now)
    assert gaps[:4] == [
        timedelta(), timedelta(seconds=5), timedelta(minutes=5, seconds=5),
        timedelta(minutes=35, seconds=5),
    ]  # fmt: skip
    assert gaps[-1] >= timedelta(days=3)
    assert f"{delivery} is given up after 10 tries" in caplog.text
    assert delivery.registration.is_active


def test_before_it_is_due_nothing_is_tried(merchant: Merchant) -> None:
    a_test_to(merchant)
    now = only().due_at
    fails(now)

    assert claim(now + timedelta(seconds=4)) == []
    assert len(claim(now + timedelta(seconds=5))) == 1


def test_a_url_that_now_leads_to_us_is_not_written_to(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recovery.posting.resolve", lambda *_: ["169.254.169.254"])
    a_test_to(merchant)

    deliver(timezone.now())

    assert only().last_error == "The host name doesn't lead to the public internet."
    assert only().state == "pending"


def test_what_nobody_foresaw_stays_with_one_message_and_counts_as_a_try(
    merchant: Merchant,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bad, good = a_test_to(merchant), a_test_to(merchant, receiver)

    def explode(url: str, **facts: Any) -> Answer:
        if url == bad.registration.url:
            raise RuntimeError("nobody foresaw this")
        return post(url, **facts)

    monkeypatch.setattr(outbound_delivery, "post", explode)
    deliver(timezone.now())

    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, bad.tries, bad.last_error) == ("pending", 1, "Not sent (RuntimeError).")
    assert bad.due_at < timezone.now() + timedelta(seconds=6)
    assert good.state == "delivered"
    assert f"Webhook {bad} could not be sent." in caplog.text


# --- workers that die or are late -------------------------------------------------------------


def test_what_a_dead_worker_had_claimed_is_sent_again_under_the_same_id(
    merchant: Merchant,
) -> None:
    a_test_to(merchant)
    now = timezone.now()
    [lost] = claim(now)

    assert claim(now + timedelta(seconds=45)) == []
    [again] = claim(now + timedelta(seconds=50))

    assert (again.public_id, again.tries) == (lost.public_id, 2)
    assert again.notice.payload == lost.notice.payload


def test_who_was_too_late_to_fail_has_no_say(merchant: Merchant) -> None:
    a_test_to(merchant)
    now = timezone.now()
    [late] = claim(now)
    [quick] = claim(now + timedelta(minutes=1))
    before = WebhookDelivery.objects.values().get()

    outbound_delivery.record(late, REFUSED, now=now + timedelta(minutes=2), jitter=0.0)

    assert WebhookDelivery.objects.values().get() == before
    outbound_delivery.record(quick, TAKEN, now=now + timedelta(minutes=3), jitter=0.0)
    assert only().state == "delivered"


@pytest.mark.parametrize("meanwhile", ["pending", "given_up"])
def test_who_was_late_but_delivered_is_believed(merchant: Merchant, meanwhile: str) -> None:
    a_test_to(merchant)
    now = timezone.now()
    [late] = claim(now)
    if meanwhile == "given_up":
        webhook_registrations.disable(registration=late.registration, now=now)
        outbound_delivery.give_up_disabled(now=now)
    assert only().state == meanwhile

    outbound_delivery.record(late, TAKEN, now=now, jitter=0.0)

    assert (only().state, only().delivered_at, only().given_up_at) == ("delivered", now, None)


def test_a_failure_heard_after_another_worker_delivered_changes_nothing(
    merchant: Merchant,
) -> None:
    a_test_to(merchant)
    now = timezone.now()
    [late] = claim(now)
    [quick] = claim(now + timedelta(minutes=1))
    outbound_delivery.record(quick, TAKEN, now=now, jitter=0.0)

    outbound_delivery.record(late, REFUSED, now=now, jitter=0.0)

    assert (only().state, only().last_status) == ("delivered", 204)


def test_an_endpoint_that_was_removed_meanwhile_is_no_error(merchant: Merchant) -> None:
    a_test_to(merchant)
    for answer in (TAKEN, REFUSED):
        [claimed] = claim(timezone.now())
        webhook_registrations.remove(registration=claimed.registration)
        outbound_delivery.record(claimed, answer, now=timezone.now(), jitter=0.0)
        assert WebhookDelivery.objects.count() == 0
        a_test_to(merchant)


# --- the log ----------------------------------------------------------------------------------


def delivered(now: datetime) -> None:
    for claimed in claim(now):
        outbound_delivery.record(claimed, TAKEN, now=now, jitter=0.0)


def given_up(now: datetime) -> None:
    WebhookDelivery.objects.update(state="given_up", given_up_at=now, tries=10)


@pytest.mark.parametrize("became", [delivered, given_up, fails])
def test_any_message_can_be_sent_again_under_its_id(
    merchant: Merchant, receiver: Receiver, became: Callable[[datetime], None]
) -> None:
    delivery = a_test_to(merchant, receiver)
    became(timezone.now())

    again = outbound_delivery.resend(delivery=delivery, now=timezone.now())
    tell_webhooks()

    assert (again.state, again.tries, again.delivered_at, again.given_up_at) == (
        "pending", 0, None, None,
    )  # fmt: skip
    [request] = receiver.requests
    assert request.headers["webhook-id"] == delivery.public_id
    assert (only().state, only().tries) == ("delivered", 1)


def test_a_log_has_the_deliveries_of_its_endpoint_newest_first(merchant: Merchant) -> None:
    registration = registered(merchant)
    a_test_to(merchant)
    one, other = (
        webhook_registrations.send_test(registration=registration, now=timezone.now())
        for _ in range(2)
    )

    assert list(outbound_delivery.deliveries(registration=registration)) == [other, one]


@pytest.mark.parametrize(
    "untrue",
    [
        {"state": "delivered"},
        {"state": "given_up"},
        {"delivered_at": timezone.now()},
        {"state": "delivered", "delivered_at": timezone.now(), "given_up_at": timezone.now()},
    ],
)
def test_the_database_keeps_a_delivery_from_contradicting_itself(
    merchant: Merchant, untrue: dict[str, Any]
) -> None:
    a_test_to(merchant)

    with pytest.raises(IntegrityError), transaction.atomic():
        WebhookDelivery.objects.update(**untrue)
