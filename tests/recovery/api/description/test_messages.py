"""What the description says of our messages is what is sent."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from recovery import operator_tasks, outbound, timeline, webhook_registrations
from recovery.api.description.document import whole
from recovery.api.description.messages import example
from recovery.models import Merchant, OutboundNotice, RecoveryCase
from recovery.operator_tasks import TaskKind
from recovery.outbound_events import EventType
from recovery.timeline import TOLD_OUTSIDE, Kind
from tests.builders import make_merchant, receive
from tests.recovery.api.description.schemas import faults, operations
from tests.recovery.receivers import registered
from tests.recovery.test_ingest import failed, paid

MESSAGE = {"$ref": "#/components/schemas/Message"}
NOW = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)


def unknown(message: dict[str, Any]) -> set[str]:
    """Fields that are sent and that the description doesn't have."""
    schemas = whole()["components"]["schemas"]
    described, data = schemas["Message"]["properties"], message["data"]
    return {
        *set(message) - set(described),
        *set(data) - set(described["data"]["properties"]),
        *set(data.get("case", {})) - set(schemas["ToldCase"]["properties"]),
    }


def test_each_type_is_described_and_no_other() -> None:
    assert [described.path for described in operations("webhooks")] == [
        str(type_) for type_ in EventType
    ]


@pytest.mark.parametrize("type_", EventType)
def test_the_example_of_a_type_is_as_the_schema_says(type_: EventType) -> None:
    message = example(type_)

    assert faults(MESSAGE, message) == []
    assert unknown(message) == set()
    told = whole()["webhooks"][type_]["post"]
    assert told["requestBody"]["content"]["application/json"]["example"] == message
    if type_.startswith("case."):
        status = type_.removeprefix("case.").replace("opened", "open")
        assert message["data"]["case"]["status"] == status


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


def published() -> list[dict[str, Any]]:
    while outbound.publish(now=NOW):
        pass
    return [json.loads(row.payload) for row in OutboundNotice.objects.order_by("id")]


@pytest.mark.django_db
def test_what_is_sent_is_as_the_schema_says(merchant: Merchant) -> None:
    registration = registered(merchant)
    receive(failed(1, 0), paid(5))
    case = RecoveryCase.objects.get()
    for kind in TOLD_OUTSIDE:
        if kind is not Kind.OPENED:
            timeline.append(case=case, kind=kind, summary="x", once=f"test:{kind}", at=NOW)
    outbound.emit(
        case=case, type=EventType.DUNNING_STEP, once="step", now=NOW,
        data={"step": "banner", "position": 1, "campaign": "Default", "campaign_version": 1},
    )  # fmt: skip
    operator_tasks.create_for_merchant(
        merchant=merchant, kind=TaskKind.WEBHOOK_DISABLED, summary="Look.", once="x", now=NOW
    )
    webhook_registrations.send_test(registration=registration, now=timezone.now())

    messages = published()

    told = {message["type"] for message in messages}
    assert told == set(map(str, EventType)) - {"case.lost", "case.voided"}
    assert [fault for message in messages for fault in faults(MESSAGE, message)] == []
    assert [unknown(message) for message in messages] == [set()] * len(messages)


@pytest.mark.django_db
def test_an_example_has_what_is_sent(merchant: Merchant) -> None:
    """Field by field, so that nobody reads of what never comes."""
    registered(merchant)
    receive(failed(1, 0))

    [opened, attempt] = published()

    for message in (opened, attempt):
        shown = example(EventType(message["type"]))
        assert list(message["data"]["case"]) == list(shown["data"]["case"])
        assert set(message["data"]) == set(shown["data"])
        assert set(message["data"]["facts"]) == set(shown["data"]["facts"])
