"""What providers tell by HTTP of bounces and complaints, as they write it."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from anymail.signals import AnymailTrackingEvent
from django.core import mail
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings as SettingsWrapper

from dunning import provider_events
from dunning.models import DunningMessage, SuppressedAddress
from dunning.tasks import deliver_queued
from recovery.models import Customer
from tests.builders import make_merchant
from tests.dunning.facts import fail, queue
from tests.dunning.mail.sending import deliver_one

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.dunning.mail_doors")]
MAIL = "/fourthngoal/recover/mail"
WEBHOOK_SECRET = "recover:0123456789abcdef"
SIGNING_KEY = "mailgun-signing-key"
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def doors(settings: SettingsWrapper) -> None:
    settings.ANYMAIL = {
        "WEBHOOK_SECRET": WEBHOOK_SECRET, "MAILGUN_WEBHOOK_SIGNING_KEY": SIGNING_KEY,
        "MAILGUN_API_KEY": "key",
    }  # fmt: skip


@pytest.fixture
def message() -> DunningMessage:
    make_merchant()
    now = timezone.now()
    message = queue(fail(), now=now)
    deliver_one(message.pk, now=now)
    message.refresh_from_db()
    return message


def post(provider: str, payload: dict[str, Any], *, secret: str = WEBHOOK_SECRET) -> HttpResponse:
    credentials = base64.b64encode(secret.encode()).decode()
    return Client().post(
        f"{MAIL}/{provider}/tracking/", json.dumps(payload), content_type="application/json",
        headers={"Authorization": f"Basic {credentials}"},
    )  # type: ignore[return-value]  # fmt: skip


def postmark(message_id: str, record: str, type_: str, **more: Any) -> dict[str, Any]:
    """https://postmarkapp.com/developer/webhooks/bounce-webhook"""
    return {
        "RecordType": record, "Type": type_, "ID": 4323372036854775807, "TypeCode": 1,
        "Tag": "dunning", "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "Metadata": {"recover_message": message_id}, "Email": "jo@example.com",
        "Details": "smtp;550 5.1.1 The email account does not exist.",
        "Description": "The server was unable to deliver your message.",
        "BouncedAt": "2026-11-20T12:00:00Z", "Inactive": True, **more,
    }  # fmt: skip


def mailgun(message_id: str, event: str, *, key: str = SIGNING_KEY, **more: Any) -> dict[str, Any]:
    """https://documentation.mailgun.com/docs/mailgun/user-manual/events/webhooks/"""
    token, timestamp = "a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0", "1795176000"
    signature = hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256)
    return {
        "signature": {"timestamp": timestamp, "token": token, "signature": signature.hexdigest()},
        "event-data": {
            "event": event, "timestamp": 1795176000.5, "id": "G9Bn5sl1TC6nu79C8C0bwg",
            "recipient": "jo@example.com", "tags": ["dunning"],
            "user-variables": {"recover_message": message_id},
            "delivery-status": {"code": 550, "message": "No such user", "description": ""},
            "message": {"headers": {"message-id": "mg-1@mail.fern.example"}}, **more,
        },
    }  # fmt: skip


def suppressed() -> list[str]:
    return list(SuppressedAddress.objects.values_list("reason", flat=True))


def test_postmarks_hard_bounce_ends_the_address_and_its_repetition_nothing_more(
    message: DunningMessage,
) -> None:
    Customer.objects.update(alternate_email="books@x.org")
    for _again in range(3):
        assert (
            post("postmark", postmark(message.public_id, "Bounce", "HardBounce")).status_code
            == 200
        )
        deliver_queued()

    message.refresh_from_db()
    assert (message.bounced_at, suppressed()) == (AT, ["bounced"])
    assert [sent.to for sent in mail.outbox] == [["jo@example.com"], ["books@x.org"]]
    assert message.case.timeline.get(kind="message_bounced").summary == (
        "The mail came back, for good: smtp;550 5.1.1 The email account does not exist."
    )
    assert message.case.tasks.count() == 1


def test_postmarks_words_in_any_order_end_in_the_same_state(message: DunningMessage) -> None:
    words = [
        postmark(message.public_id, "SpamComplaint", "SpamComplaint"),
        postmark(message.public_id, "Delivery", "", DeliveredAt="2026-11-20T11:00:00Z"),
        postmark(message.public_id, "Bounce", "HardBounce"),
        postmark(message.public_id, "Bounce", "Transient"),
        postmark(message.public_id, "Open", ""),
    ]
    for word in [*words, *reversed(words)]:
        assert post("postmark", word).status_code == 200

    message.refresh_from_db()
    assert (message.state, message.bounced_at, message.complained_at) == ("sent", AT, AT)
    assert suppressed() == ["complained"]


def test_mailguns_permanent_failure_ends_the_address_and_a_temporary_one_does_not(
    message: DunningMessage,
) -> None:
    later = mailgun(message.public_id, "failed", severity="temporary", reason="generic")
    assert post("mailgun", later).status_code == 200
    assert suppressed() == []
    gone = mailgun(message.public_id, "failed", severity="permanent", reason="bounce")
    assert post("mailgun", gone).status_code == 200
    assert suppressed() == ["bounced"]


def test_mailguns_unsubscribe_is_honored(message: DunningMessage) -> None:
    post("mailgun", mailgun(message.public_id, "unsubscribed"))
    assert suppressed() == ["unsubscribed"]


def test_a_message_is_found_by_the_providers_name_for_it_too(message: DunningMessage) -> None:
    DunningMessage.objects.update(provider_id="<mg-1@mail.fern.example>")
    word = mailgun("", "complained")
    del word["event-data"]["user-variables"]
    post("mailgun", word)
    assert suppressed() == ["complained"]


@pytest.mark.parametrize("message_id", ["msg_of_another_program", "", None, ["x"]])
def test_a_word_about_somebody_elses_mail_is_taken_and_ignored(
    message: DunningMessage, message_id: Any
) -> None:
    word = postmark(message_id, "Bounce", "HardBounce")
    word["MessageID"] = "another"
    assert post("postmark", word).status_code == 200
    assert (suppressed(), message.case.tasks.count()) == ([], 0)


def test_a_word_about_a_message_that_was_never_given_to_anybody_is_ignored() -> None:
    make_merchant()
    message = queue(fail(), now=timezone.now())
    assert post("postmark", postmark(message.public_id, "Bounce", "HardBounce")).status_code == 200
    message.refresh_from_db()
    assert (message.state, suppressed()) == ("queued", [])


def test_nobody_else_may_tell(message: DunningMessage) -> None:
    forged = [
        post("postmark", postmark(message.public_id, "Bounce", "HardBounce"), secret="recover:x"),
        post("mailgun", mailgun(message.public_id, "complained"), secret="x:y"),
        post("mailgun", mailgun(message.public_id, "complained", key="another key")),
        Client().post(f"{MAIL}/postmark/tracking/", b"{}", content_type="application/json"),
    ]
    assert [answer.status_code for answer in forged] == [400] * 4
    assert suppressed() == []


@pytest.mark.urls("recover_project.urls")
def test_the_door_of_a_provider_that_is_not_in_use_is_no_door(message: DunningMessage) -> None:
    word = postmark(message.public_id, "Bounce", "HardBounce")
    assert post("postmark", word).status_code == 404
    assert post("mailgun", mailgun(message.public_id, "complained")).status_code == 404


def test_an_event_in_another_shape_is_read_as_far_as_it_goes(message: DunningMessage) -> None:
    event = AnymailTrackingEvent(
        event_type="complained", esp_event="a form", metadata=None, message_id=None
    )
    provider_events.hear(event=event, esp_name="Another")
    assert suppressed() == []
    event = AnymailTrackingEvent(
        event_type="complained", metadata={"recover_message": message.public_id},
        timestamp=None, reject_reason="spam",
    )  # fmt: skip
    provider_events.hear(event=event, esp_name="Another")
    message.refresh_from_db()
    assert message.complained_at
    assert timezone.now() - message.complained_at < timedelta(minutes=1)
