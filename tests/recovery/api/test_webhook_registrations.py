"""Webhooks over HTTP: registered, read, changed, tested, deleted, and nobody else's."""

from typing import Any

import pytest
from django.utils import timezone

from recovery import webhook_registrations
from recovery.models import Merchant, WebhookDelivery, WebhookRegistration
from tests.builders import make_merchant
from tests.recovery.api.programs import Program
from tests.recovery.receivers import registered

pytestmark = pytest.mark.django_db
URL = "https://hooks.example.com/recover"
WANTED = {"url": URL, "event_types": ["case.recovered", "case.opened"], "description": " Shop "}


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


@pytest.fixture
def program(merchant: Merchant) -> Program:
    return Program(merchant)


@pytest.fixture
def theirs() -> WebhookRegistration:
    return registered(make_merchant("moss"))


def rows() -> list[Any]:
    return list(WebhookRegistration.objects.order_by("id").values())


def test_a_webhook_is_registered_and_its_secret_shown_this_once(
    program: Program, merchant: Merchant
) -> None:
    made = program.post("webhooks", WANTED)

    registration = WebhookRegistration.objects.get()
    assert (made.status, registration.merchant) == (201, merchant)
    assert made.body == {
        "id": registration.public_id,
        "url": URL,
        "event_types": ["case.opened", "case.recovered"],
        "description": "Shop",
        "state": "active",
        "disabled_reason": None,
        "disabled_at": None,
        "failing_since": None,
        "previous_secret_expires_at": None,
        "created_at": registration.created_at.isoformat().replace("+00:00", "Z"),
        "updated_at": registration.created_at.isoformat().replace("+00:00", "Z"),
        "secret": registration.secret,
    }
    read = program.get(f"webhooks/{registration.public_id}")
    assert read.status == 200
    assert read.body == {k: v for k, v in made.body.items() if k != "secret"}


def test_a_registration_that_is_sent_again_under_its_key_makes_one_webhook(
    program: Program,
) -> None:
    first = program.post("webhooks", WANTED, Idempotency_Key="a")
    again = program.post("webhooks", WANTED, Idempotency_Key="a")

    assert (first.status, again.body) == (201, first.body)
    assert WebhookRegistration.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "field", "why"),
    [
        ({"url": "http://example.com/"}, "url", "The URL must begin with https://."),
        ({"url": "https://169.254.169.254/"}, "url", "The URL must lead to the public internet."),
        (
            {"url": "https://[::ffff:10.0.0.1]/"},
            "url",
            "The URL must lead to the public internet.",
        ),
        ({"url": "https://2130706433/"}, "url", "The URL must name a public host, as"),
        ({"url": f"https://example.com/{'x' * 2000}"}, "url", "Ensure this field has no more"),
        ({"event_types": []}, "event_types", "Ensure this field has at least 1 elements."),
        ({"event_types": ["webhook.test"]}, "event_types.0", '"webhook.test" is not a valid'),
        ({"event_types": "case.opened"}, "event_types", "Expected a list of items but got type"),
        ({"description": "x" * 201}, "description", "Ensure this field has no more than 200"),
        ({"descriptoin": ""}, "descriptoin", "There is no such parameter."),
    ],
)
def test_what_can_not_be_registered_is_a_400_that_names_the_field(
    program: Program, merchant: Merchant, given: dict[str, Any], field: str, why: str
) -> None:
    registration = registered(merchant)
    before = rows()

    refused = program.post("webhooks", WANTED | given)
    refused_too = program.patch(f"webhooks/{registration.public_id}", given)

    assert (refused.status, refused.error) == (400, "invalid_request")
    assert refused.fields == refused_too.fields
    assert [(name, texts[0][: len(why)]) for name, texts in refused.fields.items()] == [
        (field, why)
    ]
    assert rows() == before


def test_one_webhook_too_many_is_a_409(program: Program, merchant: Merchant) -> None:
    for _ in range(20):
        registered(merchant)

    refused = program.post("webhooks", WANTED)

    assert (refused.status, refused.error) == (409, "too_many_webhooks")
    assert WebhookRegistration.objects.count() == 20


@pytest.mark.usefixtures("theirs")
def test_the_list_has_the_merchants_own_webhooks_a_page_at_a_time(
    program: Program, merchant: Merchant
) -> None:
    made = [registered(merchant).public_id for _ in range(3)]

    first = program.get("webhooks", limit=2)
    second = program.get("webhooks", limit=2, cursor=first.body["next_cursor"])

    assert [one["id"] for one in first.body["data"]] == [made[2], made[1]]
    assert [one["id"] for one in second.body["data"]] == [made[0]]
    assert (first.body["has_more"], second.body["has_more"]) == (True, False)
    assert "secret" not in first.body["data"][0]


def test_what_is_given_is_changed_and_the_rest_stays(program: Program, merchant: Merchant) -> None:
    registration = registered(merchant)

    changed = program.patch(f"webhooks/{registration.public_id}", {"event_types": ["case.lost"]})

    assert (changed.status, changed.body["event_types"]) == (200, ["case.lost"])
    assert (changed.body["url"], changed.body["state"]) == (registration.url, "active")


def test_a_webhook_is_disabled_and_enabled(program: Program, merchant: Merchant) -> None:
    path = f"webhooks/{registered(merchant).public_id}"

    off = program.patch(path, {"state": "disabled", "description": "Later"}).body
    on = program.patch(path, {"state": "active"}).body

    assert (off["state"], off["disabled_reason"]) == ("disabled", "by_merchant")
    assert off["disabled_at"] is not None
    assert (on["state"], on["disabled_reason"], on["disabled_at"]) == ("active", None, None)
    assert on["description"] == "Later"


def test_a_deleted_webhook_is_gone(program: Program, merchant: Merchant) -> None:
    path = f"webhooks/{registered(merchant).public_id}"

    assert (program.delete(path).status, program.delete(path).status) == (204, 404)
    assert not WebhookRegistration.objects.exists()


# --- tests ------------------------------------------------------------------------------------


def test_a_test_is_on_its_way(program: Program, merchant: Merchant) -> None:
    registration = registered(merchant, None, "case.lost")

    sent = program.post(f"webhooks/{registration.public_id}/test")

    delivery = WebhookDelivery.objects.get()
    assert (sent.status, sent.body["id"]) == (202, delivery.public_id)
    assert (sent.body["event_type"], sent.body["state"]) == ("webhook.test", "pending")
    assert (sent.body["case"], sent.body["sequence"], sent.body["tries"]) == (None, None, 0)
    assert sent.body["next_try_at"] == sent.body["created_at"]


def test_a_disabled_webhook_is_sent_no_test(program: Program, merchant: Merchant) -> None:
    registration = registered(merchant)
    webhook_registrations.disable(registration=registration, now=timezone.now())

    refused = program.post(f"webhooks/{registration.public_id}/test")

    assert (refused.status, refused.error) == (409, "webhook_disabled")
    assert refused.body["error"]["message"] == (
        "The webhook is disabled: enable it to send a test."
    )
    assert not WebhookDelivery.objects.exists()


# --- secrets ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "hours"), [({}, 24), ({"overlap_hours": 1}, 1)])
def test_a_replaced_secret_signs_on_for_the_overlap(
    program: Program, merchant: Merchant, given: dict[str, int], hours: int
) -> None:
    registration = registered(merchant)
    old = registration.secret

    rotated = program.post(f"webhooks/{registration.public_id}/rotate-secret", given)

    registration.refresh_from_db()
    assert (rotated.status, rotated.body["secret"]) == (200, registration.secret)
    assert registration.secrets(now=timezone.now()) == [registration.secret, old]
    assert registration.previous_secret_expires_at is not None
    left = registration.previous_secret_expires_at - registration.updated_at
    assert left.total_seconds() == hours * 3600
    assert rotated.body["previous_secret_expires_at"] is not None


def test_a_leaked_secret_ends_at_once(program: Program, merchant: Merchant) -> None:
    registration = registered(merchant)

    rotated = program.post(
        f"webhooks/{registration.public_id}/rotate-secret", {"overlap_hours": 0}
    )

    registration.refresh_from_db()
    assert registration.secrets(now=timezone.now()) == [rotated.body["secret"]]
    assert rotated.body["previous_secret_expires_at"] is None


@pytest.mark.parametrize("hours", [-1, 169, "x", 10**30])
def test_an_overlap_of_more_than_a_week_is_refused(
    program: Program, merchant: Merchant, hours: object
) -> None:
    registration = registered(merchant)
    before = rows()

    refused = program.post(
        f"webhooks/{registration.public_id}/rotate-secret", {"overlap_hours": hours}
    )

    assert (refused.status, set(refused.fields)) == (400, {"overlap_hours"})
    assert rows() == before


# --- who may ----------------------------------------------------------------------------------


def test_another_merchants_webhook_is_not_there(
    program: Program, theirs: WebhookRegistration
) -> None:
    path = f"webhooks/{theirs.public_id}"
    before = rows()

    answers = [
        program.get(path), program.patch(path, {"state": "disabled"}), program.delete(path),
        program.post(f"{path}/test"), program.post(f"{path}/rotate-secret"),
        program.get(f"{path}/deliveries"),
    ]  # fmt: skip

    assert [(answer.status, answer.error) for answer in answers] == [(404, "not_found")] * 6
    assert rows() == before
    assert not WebhookDelivery.objects.exists()


@pytest.mark.parametrize("id", ["whr_none", "x" * 300, "%F0%9F%98%80", "%00", "a%00b"])
def test_an_id_of_nothing_is_a_404(program: Program, id: str) -> None:  # noqa: A002
    answers = [program.get(f"webhooks/{id}"), program.get(f"events/{id}")]

    assert [(answer.status, answer.error) for answer in answers] == [(404, "not_found")] * 2


def test_without_credentials_nothing_is_told(theirs: WebhookRegistration) -> None:
    nobody = Program(theirs.merchant)
    nobody.headers.clear()

    assert nobody.get("webhooks").status == 401
    assert nobody.post("webhooks", WANTED).status == 401
    assert nobody.delete(f"webhooks/{theirs.public_id}").status == 401
    assert WebhookRegistration.objects.count() == 1


def test_a_webhook_that_was_deleted_a_moment_ago_is_not_there(
    program: Program, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is found, deleted by somebody else, and then to be changed."""
    registration = registered(merchant)
    monkeypatch.setattr(
        "recovery.api.webhook_registrations.get_object_or_404", lambda *_, **__: registration
    )
    WebhookRegistration.objects.all().delete()
    path = f"webhooks/{registration.public_id}"

    answers = [
        program.patch(path, {"state": "disabled"}), program.post(f"{path}/test"),
        program.post(f"{path}/rotate-secret"),
    ]  # fmt: skip

    assert [answer.status for answer in answers] == [404] * 3
