"""Settings → Webhooks: an endpoint made, changed, tested, switched off and on, deleted."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from recovery import webhook_registrations
from recovery.models import Merchant, Role, WebhookDelivery, WebhookRegistration
from tests.back_office.people import log_in, make_world
from tests.back_office.settings.filling_in import address, refused, send, shown

pytestmark = pytest.mark.django_db
WANTED = {
    "url": "https://hooks.fern.example/in", "description": "ours",
    "event_types": ["case.lost", "case.opened"],
}  # fmt: skip


@pytest.fixture
def merchant() -> Merchant:
    return make_world("fern")


@pytest.fixture
def owner(merchant: Merchant) -> Client:
    return log_in(merchant, Role.OWNER)


def registration() -> WebhookRegistration:
    return WebhookRegistration.objects.latest("id")


def row() -> dict[str, Any]:
    found: dict[str, Any] = {
        **WebhookRegistration.objects.filter(pk=registration().pk).values().get()
    }
    return found


def test_a_webhook_is_registered_and_its_secret_shown_once(
    merchant: Merchant, owner: Client
) -> None:
    answer = owner.post(address("_webhook_new"), WANTED)
    [secret] = shown(owner, answer)

    made = registration()
    assert (made.merchant, made.url, made.description) == (merchant, WANTED["url"], "ours")
    assert (made.event_types, made.secret) == (["case.opened", "case.lost"], secret)
    assert shown(owner, answer) == []
    for page in (address("_webhooks"), address("_webhook", made.public_id)):
        told = owner.get(page).content.decode()
        assert "https://hooks.fern.example/in" in told
        assert secret not in told


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", ""), ("url", "http://hooks.fern.example/in"), ("url", "https://127.0.0.1/"),
        ("url", "ftp://x"), ("url", "https://fern.example/" + "x" * 2000),
        ("description", "x" * 201), ("event_types", []), ("event_types", ["webhook.test"]),
        ("event_types", ["no.such"]),
    ],
)  # fmt: skip
def test_a_webhook_that_can_t_be_is_said_so_and_changes_nothing(
    merchant: Merchant, owner: Client, field: str, value: Any
) -> None:
    before = row()

    assert list(refused(owner, "_webhook_new", **WANTED | {field: value})) == [field]
    told = refused(owner, "_webhook", before["public_id"], **WANTED | {field: value})

    assert list(told) == [field]
    assert (row(), WebhookRegistration.objects.count()) == (before, 1)


def test_there_are_twenty_at_most(
    owner: Client, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_registrations, "MOST_OF_A_MERCHANT", 1)

    told = refused(owner, "_webhook_new", **WANTED)

    assert told == {"__all__": ["There are 1 webhooks already: delete one first."]}


def test_a_webhook_is_changed_and_keeps_its_secret(merchant: Merchant, owner: Client) -> None:
    before = registration()

    assert send(owner, "_webhook", before.public_id, **WANTED) == ["Saved."]

    after = registration()
    assert (after.url, after.event_types) == (WANTED["url"], ["case.opened", "case.lost"])
    assert after.secret == before.secret


def test_a_secret_is_replaced_with_an_overlap(merchant: Merchant, owner: Client) -> None:
    old = registration().secret

    answer = owner.post(
        address("_webhook_secret", registration().public_id), {"overlap_hours": "24"}
    )
    [new] = shown(owner, answer)

    now = timezone.now()
    assert registration().secrets(now=now) == [new, old]
    assert registration().secrets(now=now + timedelta(hours=24)) == [new]
    assert shown(owner, answer) == []


def test_an_overlap_that_isn_t_offered_replaces_no_secret(
    merchant: Merchant, owner: Client
) -> None:
    before = row()

    told = refused(owner, "_webhook_secret", before["public_id"], overlap_hours="9999")

    assert list(told) == ["overlap_hours"]
    assert row() == before


def test_a_test_is_sent_and_its_delivery_is_where_the_page_leads(
    merchant: Merchant, owner: Client
) -> None:
    before = WebhookDelivery.objects.count()

    said = send(owner, "_webhook_do", registration().public_id, "test")

    assert said == ["A test is on its way: its deliveries say how that went."]
    assert WebhookDelivery.objects.count() == before + 1
    deliveries = owner.get(address("_webhook", registration().public_id)).context["deliveries"]
    listed = owner.get(deliveries)
    assert listed.status_code == 200
    assert WebhookDelivery.objects.latest("id") in listed.context["cl"].queryset


def test_a_webhook_is_disabled_and_enabled(merchant: Merchant, owner: Client) -> None:
    public_id = registration().public_id

    send(owner, "_webhook_do", public_id, "disable")
    assert registration().state == "disabled"
    assert "You disabled it." in owner.get(address("_webhook", public_id)).content.decode()
    assert send(owner, "_webhook_do", public_id, "test") == [
        "The webhook is disabled: enable it to send a test."
    ]

    send(owner, "_webhook_do", public_id, "enable")
    assert registration().state == "active"


def test_a_webhook_is_deleted(merchant: Merchant, owner: Client) -> None:
    said = send(owner, "_webhook_do", registration().public_id, "delete")

    assert said == ["Deleted, with the log of its deliveries."]
    assert WebhookRegistration.objects.count() == 0


def test_nothing_else_is_done_to_a_webhook(merchant: Merchant, owner: Client) -> None:
    before = row()
    where = address("_webhook_do", before["public_id"], "explode")

    assert owner.post(where).status_code == 404
    assert owner.get(address("_webhook_do", before["public_id"], "delete")).status_code == 405
    assert row() == before


def test_without_a_webhook_the_page_says_what_one_is_for(
    merchant: Merchant, owner: Client
) -> None:
    WebhookRegistration.objects.all().delete()

    assert "Make the first one." in owner.get(address("_webhooks")).content.decode()
