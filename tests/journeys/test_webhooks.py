"""A merchant's own program registers a webhook by HTTP and hears all that happens to a case."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings as SettingsWrapper
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from recovery.models import Merchant, RecoveryCase, WebhookDelivery
from recovery.tasks import tell_webhooks
from tests.builders import make_merchant, receive
from tests.recovery.api.programs import Program
from tests.recovery.receivers import Receiver, Request, receiver, says
from tests.recovery.test_ingest import failed, paid

__all__ = ["receiver"]
pytestmark = pytest.mark.django_db
EVERYTHING = [
    "case.opened", "case.recovered", "case.lost", "case.voided", "attempt.failed",
    "attempt.succeeded", "message.sent",
]  # fmt: skip


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


@pytest.fixture
def program(merchant: Merchant) -> Program:
    return Program(merchant)


def heard(receiver: Receiver) -> list[Request]:
    """What came since somebody last looked."""
    tell_webhooks()
    requests, receiver.requests = receiver.requests, []
    return requests


def is_signed_with(secret: str, request: Request) -> bool:
    try:
        Webhook(secret).verify(request.body, request.headers)
    except WebhookVerificationError:
        return False
    return True


def test_a_merchants_program_hears_of_a_case_from_its_opening_to_its_end(
    program: Program, receiver: Receiver
) -> None:
    made = program.post("webhooks", {"url": receiver.url, "event_types": EVERYTHING}).body
    path, secret = f"webhooks/{made['id']}", made["secret"]

    # A case opens and is recovered; each message can be checked, and they are in their order.
    receive(failed(1, 0), paid(5))
    requests = heard(receiver)
    told = [Webhook(secret).verify(request.body, request.headers) for request in requests]
    assert [(message["sequence"], message["type"]) for message in told] == [
        (1, "case.opened"), (2, "attempt.failed"), (3, "case.recovered"),
    ]  # fmt: skip
    assert {message["data"]["case"]["id"] for message in told} == {
        RecoveryCase.objects.get().public_id
    }
    log = program.get(f"{path}/deliveries").body["data"]
    assert [one["id"] for one in log] == [
        request.headers["webhook-id"] for request in reversed(requests)
    ]
    assert {(one["state"], one["tries"], one["last_status"]) for one in log} == {
        ("delivered", 1, 204)
    }

    # Sent again, it is the same message under the same id, signed anew.
    assert program.post(f"deliveries/{log[0]['id']}/resend").status == 202
    [again] = heard(receiver)
    assert (again.headers["webhook-id"], again.body) == (log[0]["id"], requests[2].body)
    assert is_signed_with(secret, again)
    read = program.get(f"deliveries/{log[0]['id']}").body
    assert read["request_body"].encode() == again.body

    # While the secret is replaced, a receiver with either takes what comes; then with the new one.
    new = program.post(f"{path}/rotate-secret", {"overlap_hours": 1}).body["secret"]
    program.post(f"{path}/test")
    [both] = heard(receiver)
    assert (is_signed_with(secret, both), is_signed_with(new, both)) == (True, True)
    assert json.loads(both.body)["type"] == "webhook.test"
    newest = program.post(f"{path}/rotate-secret", {"overlap_hours": 0}).body["secret"]
    program.post(f"{path}/test")
    [after] = heard(receiver)
    assert [is_signed_with(one, after) for one in (secret, new, newest)] == [False, False, True]

    # Deleted, it hears nothing more.
    assert program.delete(path).status == 204
    receive(failed(1, 0, "in_2"))
    assert heard(receiver) == []
    assert program.get(f"{path}/deliveries").status == 404


def test_an_endpoint_that_was_switched_off_is_told_nothing_and_can_be_caught_up(
    program: Program, receiver: Receiver
) -> None:
    made = program.post("webhooks", {"url": receiver.url, "event_types": EVERYTHING}).body
    path = f"webhooks/{made['id']}"
    receiver.behaviors = [says(410), says(204)]

    # It says that it is gone, is left alone, and what waits is given up.
    receive(failed(1, 0))
    assert len(heard(receiver)) >= 1
    off = program.get(path).body
    assert (off["state"], off["disabled_reason"]) == ("disabled", "gone")
    tell_webhooks()
    log = program.get(f"{path}/deliveries").body["data"]
    assert {one["state"] for one in log} == {"given_up"}
    assert program.post(f"deliveries/{log[-1]['id']}/resend").error == "webhook_disabled"

    # Switched on again, what it missed is sent from the log.
    receiver.requests.clear()
    assert program.patch(path, {"state": "active"}).body["state"] == "active"
    for one in reversed(log):
        assert program.post(f"deliveries/{one['id']}/resend").status == 202
    told = {json.loads(request.body)["type"] for request in heard(receiver)}
    assert told == {"case.opened", "attempt.failed"}  # sent again, they come in any order


def test_a_redirect_is_no_way_to_anywhere_else(
    program: Program, receiver: Receiver, settings: SettingsWrapper
) -> None:
    made = program.post("webhooks", {"url": receiver.url, "event_types": ["case.lost"]}).body
    to = "Location: http://169.254.169.254/latest/meta-data/"
    receiver.behaviors = [says(307, to)]

    sent = program.post(f"webhooks/{made['id']}/test").body
    assert len(heard(receiver)) == 1

    told = program.get(f"deliveries/{sent['id']}").body
    assert (told["state"], told["last_status"], told["response_body"]) == ("pending", 307, "")
    settings.WEBHOOKS_TO_LOOPBACK = False
    WebhookDelivery.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert heard(receiver) == []
    told = program.get(f"deliveries/{sent['id']}").body
    assert told["last_error"] == "The URL must begin with https://."
