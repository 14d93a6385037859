"""The log of deliveries over HTTP, and sending again."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from recovery import outbound, outbound_delivery, webhook_registrations
from recovery.models import Merchant, RecoveryCase, WebhookDelivery, WebhookRegistration
from recovery.posting import Answer as Posted
from tests.builders import make_merchant, receive
from tests.recovery.api.programs import Program
from tests.recovery.deliveries import claim
from tests.recovery.receivers import registered
from tests.recovery.test_ingest import failed, paid

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


@pytest.fixture
def program(merchant: Merchant) -> Program:
    return Program(merchant)


@pytest.fixture
def registration(merchant: Merchant) -> WebhookRegistration:
    """It has been told of a case that was opened and recovered."""
    made = registered(merchant)
    receive(failed(1, 0), paid(5))
    outbound.publish(now=timezone.now())
    return made


def answered(status: int | None, error: str = "", excerpt: str = "") -> WebhookDelivery:
    """The first message was tried, and this came of it."""
    [delivery] = claim(timezone.now())
    posted = Posted(status, error, excerpt, timedelta(milliseconds=84))
    outbound_delivery.record(delivery, posted, now=NOW, jitter=0.0)
    return delivery


def test_the_log_has_each_message_the_newest_first(
    program: Program, registration: WebhookRegistration
) -> None:
    first = program.get(f"webhooks/{registration.public_id}/deliveries", limit=2)
    second = program.get(
        f"webhooks/{registration.public_id}/deliveries", limit=2,
        cursor=first.body["next_cursor"],
    )  # fmt: skip

    assert (first.status, first.body["has_more"], second.body["has_more"]) == (200, True, False)
    told = first.body["data"] + second.body["data"]
    assert [(one["event_type"], one["sequence"]) for one in told] == [
        ("case.recovered", 3), ("attempt.failed", 2), ("case.opened", 1),
    ]  # fmt: skip
    assert {one["case"] for one in told} == {RecoveryCase.objects.get().public_id}
    assert {one["webhook"] for one in told} == {registration.public_id}
    assert "request_body" not in told[0]


def test_a_page_of_the_log_costs_the_same_for_many_as_for_one(
    program: Program, registration: WebhookRegistration
) -> None:
    def cost(limit: int) -> int:
        path = f"webhooks/{registration.public_id}/deliveries"
        with CaptureQueriesContext(connection) as asked:
            assert len(program.get(path, limit=limit).body["data"]) == limit
        return len(asked)

    cost(1)  # notes that the key was used

    assert cost(3) == cost(1)


def test_a_delivery_tells_what_was_sent_and_answered(
    program: Program, registration: WebhookRegistration
) -> None:
    sent = answered(200, excerpt="thanks")

    told = program.get(f"deliveries/{sent.public_id}")

    assert (told.status, told.body) == (
        200,
        {
            "id": sent.public_id,
            "webhook": registration.public_id,
            "event_type": "case.opened",
            "case": RecoveryCase.objects.get().public_id,
            "sequence": 1,
            "state": "delivered",
            "tries": 1,
            "next_try_at": None,
            "tried_at": "2026-01-31T09:00:00Z",
            "last_status": 200,
            "last_error": "",
            "last_duration_ms": 84,
            "created_at": sent.created_at.isoformat().replace("+00:00", "Z"),
            "delivered_at": "2026-01-31T09:00:00Z",
            "given_up_at": None,
            "request_body": sent.notice.payload,
            "response_body": "thanks",
        },
    )


@pytest.mark.usefixtures("registration")
def test_a_message_that_was_not_taken_says_why_and_when_it_comes_again(program: Program) -> None:
    sent = answered(None, error="The host name can't be looked up.")

    told = program.get(f"deliveries/{sent.public_id}").body

    assert (told["state"], told["last_status"]) == ("pending", None)
    assert told["last_error"] == "The host name can't be looked up."
    assert told["next_try_at"] == "2026-01-31T09:00:05Z"


@pytest.mark.usefixtures("registration")
def test_what_was_delivered_is_sent_again_under_the_same_id(program: Program) -> None:
    sent = answered(200)

    again = program.post(f"deliveries/{sent.public_id}/resend")

    assert (again.status, again.body["id"], again.body["state"]) == (
        202, sent.public_id, "pending",
    )  # fmt: skip
    assert (again.body["tries"], again.body["delivered_at"]) == (0, None)
    sent.refresh_from_db()
    assert (sent.state, sent.tries) == ("pending", 0)


def test_nothing_is_sent_again_to_a_webhook_that_is_disabled(
    program: Program, registration: WebhookRegistration
) -> None:
    sent = answered(200)
    webhook_registrations.disable(registration=registration, now=NOW)
    before = WebhookDelivery.objects.filter(pk=sent.pk).values().get()

    refused = program.post(f"deliveries/{sent.public_id}/resend")

    assert (refused.status, refused.error) == (409, "webhook_disabled")
    assert WebhookDelivery.objects.filter(pk=sent.pk).values().get() == before


def test_another_merchants_delivery_is_not_there(registration: WebhookRegistration) -> None:
    sent, other = answered(200), Program(make_merchant("moss"))

    read = other.get(f"deliveries/{sent.public_id}")
    again = other.post(f"deliveries/{sent.public_id}/resend")

    assert [(one.status, one.error) for one in (read, again)] == [(404, "not_found")] * 2
    sent.refresh_from_db()
    assert (sent.state, sent.registration) == ("delivered", registration)


def test_a_page_of_another_webhooks_log_is_refused(
    program: Program, merchant: Merchant, registration: WebhookRegistration
) -> None:
    other = registered(merchant)
    first = program.get(f"webhooks/{registration.public_id}/deliveries", limit=1)

    refused = program.get(
        f"webhooks/{other.public_id}/deliveries", cursor=first.body["next_cursor"]
    )

    assert (refused.status, set(refused.fields)) == (400, {"cursor"})


def test_a_delivery_that_went_with_its_webhook_is_not_there(
    program: Program, registration: WebhookRegistration
) -> None:
    sent = answered(200)
    webhook_registrations.remove(registration=registration)

    assert program.post(f"deliveries/{sent.public_id}/resend").status == 404
