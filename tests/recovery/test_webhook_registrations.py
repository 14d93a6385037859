"""Endpoints of merchants: what they may be, their secrets, and when they are left alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import Settings as SettingsWrapper

from recovery import outbound_delivery, webhook_registrations
from recovery.models import Merchant, OperatorTask, WebhookDelivery, WebhookRegistration
from recovery.webhook_registrations import (
    InvalidRegistrationError,
    RegistrationDisabledError,
    TooManyRegistrationsError,
)
from tests.builders import make_merchant
from tests.recovery.receivers import registered

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)
URL = "https://hooks.example.com/recover"


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


@pytest.fixture
def registration(merchant: Merchant) -> WebhookRegistration:
    return registered(merchant)


def test_a_registration_tells_its_secret_once_and_keeps_it_encrypted(merchant: Merchant) -> None:
    registration, secret = webhook_registrations.register(
        merchant=merchant, url=URL, event_types=["link.opened", "case.opened", "link.opened"],
        description=" our shop ", now=NOW,
    )  # fmt: skip

    registration.refresh_from_db()
    assert registration.public_id.startswith("whr_")
    assert (registration.url, registration.description) == (URL, "our shop")
    assert registration.event_types == ["case.opened", "link.opened"]
    assert registration.secrets(now=NOW) == [secret]
    assert registration.is_active
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM recovery_webhookregistration")
        [[stored]] = cursor.fetchall()
    assert secret not in stored


@pytest.mark.parametrize(
    ("given", "field", "why"),
    [
        ({"url": "http://example.com/"}, "url", "The URL must begin with https://."),
        ({"url": "https://10.0.0.1/"}, "url", "The URL must lead to the public internet."),
        ({"url": "http://127.0.0.1:9/"}, "url", "The URL must begin with https://."),
        ({"event_types": []}, "event_types", "Choose at least one event type."),
        ({"event_types": ["webhook.test"]}, "event_types", "There is no event type 'webhook.test"),
        (
            {"event_types": ["link.opened", "x"]},
            "event_types",
            "There is no event type 'x'",
        ),
        ({"description": "x" * 201}, "description", "Describe it in at most 200 characters"),
        ({"description": "\x00"}, "description", "Describe it in at most 200 characters"),
    ],
)
def test_what_can_not_be_registered_is_refused_in_a_sentence(
    merchant: Merchant, registration: WebhookRegistration, given: dict[str, Any], field: str,
    why: str,
) -> None:  # fmt: skip
    good: dict[str, Any] = {"url": URL, "event_types": ["case.opened"], "description": ""}
    before = list(WebhookRegistration.objects.values())

    with pytest.raises(InvalidRegistrationError) as refused:
        webhook_registrations.register(merchant=merchant, now=NOW, **(good | given))
    assert (refused.value.field, str(refused.value)[: len(why)]) == (field, why)
    with pytest.raises(InvalidRegistrationError):
        webhook_registrations.update(registration=registration, now=NOW, **given)

    assert list(WebhookRegistration.objects.values()) == before


def test_for_trying_out_this_machine_can_be_registered(
    merchant: Merchant, settings: SettingsWrapper
) -> None:
    settings.WEBHOOKS_TO_LOOPBACK = True

    registration, _ = webhook_registrations.register(
        merchant=merchant, url="http://localhost:9/", event_types=["case.opened"], now=NOW
    )

    assert registration.url == "http://localhost:9/"


def test_a_merchant_has_twenty_endpoints_at_most(merchant: Merchant) -> None:
    for _ in range(20):
        registered(merchant)
    registered(make_merchant("moss"))

    with pytest.raises(TooManyRegistrationsError, match="20 webhooks already: delete one first"):
        registered(merchant)

    assert WebhookRegistration.objects.of(merchant).count() == 20


def test_what_is_given_is_changed_and_nothing_else(registration: WebhookRegistration) -> None:
    WebhookRegistration.objects.update(failing_since=NOW)
    before = WebhookRegistration.objects.values().get()

    webhook_registrations.update(registration=registration, event_types=["case.lost"], now=NOW)
    webhook_registrations.update(registration=registration, description="x", now=NOW)
    webhook_registrations.update(registration=registration, url=registration.url, now=NOW)
    after = WebhookRegistration.objects.values().get()

    changes = {"event_types": ["case.lost"], "description": "x", "updated_at": NOW}
    assert after == before | changes


def test_an_endpoint_at_a_new_url_starts_with_a_clean_record(
    registration: WebhookRegistration,
) -> None:
    WebhookRegistration.objects.update(failing_since=NOW)

    changed = webhook_registrations.update(
        registration=registration, url="https://new.example.com/", now=NOW
    )

    assert (changed.url, changed.failing_since) == ("https://new.example.com/", None)


# --- secrets ----------------------------------------------------------------------------------


def test_for_a_day_the_old_secret_signs_as_well(registration: WebhookRegistration) -> None:
    old = registration.secret

    new = webhook_registrations.rotate_secret(registration=registration, now=NOW)

    registration.refresh_from_db()
    assert registration.secrets(now=NOW) == [new, old]
    assert registration.secrets(now=NOW + timedelta(hours=24, seconds=-1)) == [new, old]
    assert registration.secrets(now=NOW + timedelta(hours=24)) == [new]


def test_rotated_again_the_oldest_secret_ends_at_once(registration: WebhookRegistration) -> None:
    second = webhook_registrations.rotate_secret(registration=registration, now=NOW)
    third = webhook_registrations.rotate_secret(registration=registration, now=NOW)

    registration.refresh_from_db()
    assert registration.secrets(now=NOW) == [third, second]


def test_a_leaked_secret_can_end_at_once(registration: WebhookRegistration) -> None:
    webhook_registrations.rotate_secret(registration=registration, now=NOW)
    new = webhook_registrations.rotate_secret(
        registration=registration, now=NOW, overlap=timedelta()
    )

    registration.refresh_from_db()
    assert (registration.secrets(now=NOW), registration.previous_secret) == ([new], "")


# --- on and off -------------------------------------------------------------------------------


def test_a_merchant_disables_and_enables_as_it_likes(registration: WebhookRegistration) -> None:
    for _ in range(2):
        off = webhook_registrations.disable(registration=registration, now=NOW)
        assert (off.state, off.disabled_reason, off.disabled_at) == (
            "disabled", "by_merchant", NOW,
        )  # fmt: skip
    for _ in range(2):
        on = webhook_registrations.enable(registration=registration, now=NOW)
        assert (on.state, on.disabled_reason, on.disabled_at) == ("active", "", None)
    assert OperatorTask.objects.count() == 0


def test_what_waits_for_a_disabled_endpoint_is_given_up(
    registration: WebhookRegistration, merchant: Merchant
) -> None:
    other = registered(merchant)
    for one in (registration, other):
        webhook_registrations.send_test(registration=one, now=NOW)
    webhook_registrations.disable(registration=registration, now=NOW)

    outbound_delivery.give_up_disabled(now=NOW)

    given_up = WebhookDelivery.objects.get(registration=registration)
    assert (given_up.state, given_up.given_up_at) == ("given_up", NOW)
    assert given_up.last_error == "The webhook was disabled."
    assert WebhookDelivery.objects.get(registration=other).state == "pending"


def test_a_disabled_endpoint_is_sent_no_test_and_nothing_again(
    registration: WebhookRegistration,
) -> None:
    delivery = webhook_registrations.send_test(registration=registration, now=NOW)
    webhook_registrations.disable(registration=registration, now=NOW)
    before = list(WebhookDelivery.objects.values())

    with pytest.raises(RegistrationDisabledError, match=r"enable it to send a test\."):
        webhook_registrations.send_test(registration=registration, now=NOW)
    with pytest.raises(RegistrationDisabledError, match=r"enable it to send this again\."):
        outbound_delivery.resend(delivery=delivery, now=NOW)

    assert list(WebhookDelivery.objects.values()) == before


def test_an_endpoint_is_removed_with_its_log(registration: WebhookRegistration) -> None:
    webhook_registrations.send_test(registration=registration, now=NOW)

    webhook_registrations.remove(registration=registration)

    assert WebhookRegistration.objects.count() == WebhookDelivery.objects.count() == 0


def test_the_database_keeps_a_disabled_registration_from_saying_nothing(
    registration: WebhookRegistration,
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        WebhookRegistration.objects.update(state="disabled", disabled_at=NOW)
