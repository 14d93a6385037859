"""What happens becomes notices, in its own transaction, and then numbered messages."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from recovery import cases, operator_tasks, outbound, timeline, webhook_registrations
from recovery.models import (
    Merchant,
    OutboundNotice,
    RecoveryCase,
    TimelineEntry,
    WebhookDelivery,
    WebhookRegistration,
)
from recovery.operator_tasks import TaskKind
from recovery.outbound_events import CHOOSABLE, EventType
from recovery.state_machine import Trigger
from recovery.timeline import MOVED_TO, TOLD_OUTSIDE, Kind
from tests.builders import event, make_merchant, receive
from tests.recovery.receivers import registered
from tests.recovery.test_cases import one_time
from tests.recovery.test_ingest import T0, failed, invoice, paid

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)
EVERY = tuple(map(str, CHOOSABLE))


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


def opened() -> RecoveryCase:
    receive(failed(1, 0))
    return RecoveryCase.objects.get()


def close(case: RecoveryCase, trigger: Trigger, once: str = "test") -> RecoveryCase:
    payment = cases.Payment(case.amount) if trigger is Trigger.INVOICE_PAID else None
    return cases.advance(case=case, trigger=trigger, at=NOW, now=NOW, once=once, payment=payment)


def notices() -> list[str]:
    return list(OutboundNotice.objects.order_by("id").values_list("type", flat=True))


def published() -> list[dict[str, Any]]:
    """The messages, in the order in which they are numbered."""
    while outbound.publish(now=NOW):
        pass
    rows = OutboundNotice.objects.order_by("case", "sequence", "id")
    return [json.loads(row.payload) for row in rows]


# --- what is told -----------------------------------------------------------------------------


def test_every_type_of_event_is_told_of_something() -> None:
    by_entry = {*TOLD_OUTSIDE.values(), *MOVED_TO.values()}

    assert set(EventType) - by_entry == {EventType.DUNNING_STEP, EventType.WEBHOOK_TEST}
    assert set(EventType) - set(CHOOSABLE) == {EventType.WEBHOOK_TEST}


def test_the_life_of_a_case_is_told_in_its_order(merchant: Merchant) -> None:
    registered(merchant)
    receive(failed(1, 0), failed(2, 2), paid(5))

    messages = published()

    assert [(message["sequence"], message["type"]) for message in messages] == [
        (1, "case.opened"), (2, "attempt.failed"), (3, "attempt.failed"), (4, "case.recovered"),
    ]  # fmt: skip
    assert {message["version"] for message in messages} == {1}
    statuses = [message["data"]["case"]["status"] for message in messages]
    assert (statuses[0], statuses[3]) == ("open", "recovered")


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_of_entry_is_told_outside_as_its_table_says(
    merchant: Merchant, kind: Kind
) -> None:
    case = opened()
    registered(merchant)

    timeline.append(case=case, kind=kind, summary="It happened.", once="test", at=NOW)

    assert notices() == ([TOLD_OUTSIDE[kind]] if kind in TOLD_OUTSIDE else [])


@pytest.mark.parametrize(
    ("trigger", "type_"),
    [
        (Trigger.INVOICE_PAID, "case.recovered"),
        (Trigger.SUBSCRIPTION_CANCELED, "case.lost"),
        (Trigger.OPERATOR_CLOSED, "case.lost"),
        (Trigger.INVOICE_VOIDED, "case.voided"),
        (Trigger.DISPUTED, "case.voided"),
    ],
)
def test_a_case_that_moves_is_told_by_where_it_got_to(
    merchant: Merchant, trigger: Trigger, type_: str
) -> None:
    case = opened()
    registered(merchant)

    close(case, trigger)

    [message] = published()
    assert message["type"] == type_
    assert message["data"]["case"]["reason"] == trigger
    assert message["data"]["rule"] == f"state machine: {trigger}"


def test_a_better_reason_for_the_same_close_is_no_news(merchant: Merchant) -> None:
    case = opened()
    registered(merchant)

    close(case, Trigger.OPERATOR_CLOSED)
    close(case, Trigger.SUBSCRIPTION_CANCELED)

    assert RecoveryCase.objects.get().reason == "subscription_canceled"
    assert notices() == ["case.lost"]


def test_each_state_is_told_on_the_way_up(merchant: Merchant) -> None:
    registered(merchant, None, "case.opened", "case.lost", "case.recovered", "case.voided")
    case = opened()

    for trigger in (Trigger.OPERATOR_CLOSED, Trigger.INVOICE_PAID, Trigger.REFUNDED):
        close(case, trigger)

    messages = published()
    told = [message["data"]["case"] for message in messages]
    assert [one["status"] for one in told] == ["open", "lost", "recovered", "voided"]
    assert [one["amount_recovered"] for one in told] == [0, 0, 4900, 4900]
    assert [one["closed_at"] for one in told] == [None, *["2026-01-31T09:00:00Z"] * 3]


def test_a_payment_that_turns_out_to_be_a_recovery_is_told_as_one(merchant: Merchant) -> None:
    registered(merchant, None, "case.voided", "case.recovered")

    receive(one_time("payment_failed", T0 + 1000))
    receive(one_time("succeeded", T0 + 2000))
    receive(one_time("payment_failed", T0))

    assert RecoveryCase.objects.get().status == "recovered"
    assert notices() == ["case.voided", "case.recovered"]


def test_what_is_heard_again_is_not_told_again(merchant: Merchant) -> None:
    registered(merchant)
    payloads = [failed(1, 0), paid(5)]

    receive(*payloads)
    told = notices()
    receive(*payloads, *reversed(payloads))

    assert notices() == told == ["case.opened", "attempt.failed", "case.recovered"]


def test_what_happened_before_anybody_registered_is_not_told_when_heard_again(
    merchant: Merchant,
) -> None:
    case = opened()
    entry = case.timeline.get(kind="attempt_failed")
    registered(merchant)

    timeline.append(case=case, kind=Kind.ATTEMPT_FAILED, summary="again", once=entry.once, at=NOW)

    assert notices() == []


def test_what_is_taken_back_is_told_to_nobody(merchant: Merchant) -> None:
    case = opened()
    registered(merchant)

    with transaction.atomic():
        close(case, Trigger.INVOICE_PAID)
        assert notices() == ["case.recovered"]
        transaction.set_rollback(True)

    assert notices() == []
    assert RecoveryCase.objects.get().status == "open"


@pytest.mark.django_db(transaction=True)
def test_an_entry_that_can_not_be_told_is_not_written_either(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = opened()
    registered(merchant)

    def fail(**_: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(outbound, "tell", fail)
    with pytest.raises(RuntimeError):
        timeline.append(case=case, kind=Kind.LINK_OPENED, summary="x", once="test", at=NOW)

    assert not case.timeline.filter(kind="link_opened").exists()


# --- to whom ----------------------------------------------------------------------------------


def test_only_what_was_chosen_is_told(merchant: Merchant) -> None:
    some = registered(merchant, None, "case.recovered", "link.opened")
    every = registered(merchant)
    receive(failed(1, 0), paid(5))
    published()

    def of(registration: WebhookRegistration) -> list[str]:
        rows = WebhookDelivery.objects.filter(registration=registration).order_by("sequence")
        return list(rows.values_list("notice__type", flat=True))

    assert of(some) == ["case.recovered"]
    assert of(every) == ["case.opened", "attempt.failed", "case.recovered"]


def test_nothing_is_told_to_another_merchant() -> None:
    ours, theirs = make_merchant("fern"), make_merchant("moss")
    registered(theirs)
    receive(failed(1, 0), merchant=ours)
    assert notices() == []
    registered(ours)

    receive(paid(5), merchant=ours)
    published()

    assert [row.merchant for row in OutboundNotice.objects.all()] == [ours]
    [delivery] = WebhookDelivery.objects.select_related("registration")
    assert delivery.merchant == delivery.registration.merchant == ours


def test_nothing_is_made_for_an_endpoint_that_is_disabled(merchant: Merchant) -> None:
    case = opened()
    registration = registered(merchant)
    webhook_registrations.disable(registration=registration, now=NOW)
    timeline.append(case=case, kind=Kind.LINK_OPENED, summary="x", once="while", at=NOW)
    assert notices() == []

    webhook_registrations.enable(registration=registration, now=NOW)
    timeline.append(case=case, kind=Kind.LINK_OPENED, summary="x", once="after", at=NOW)
    webhook_registrations.disable(registration=registration, now=NOW)
    published()

    assert notices() == ["link.opened"]
    assert WebhookDelivery.objects.count() == 0


# --- what it costs ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "queries"), [(Kind.STEP_SKIPPED, 1), (Kind.LINK_OPENED, 2), (Kind.MOVED, 1)]
)
def test_where_nobody_listens_an_entry_costs_one_look_more_at_most(
    merchant: Merchant,
    django_assert_num_queries: DjangoAssertNumQueries,
    kind: Kind,
    queries: int,
) -> None:
    """An open case that moved has got nowhere yet."""
    case = opened()
    case.has_opened = True  # how far a case got is noted once

    with django_assert_num_queries(queries):
        timeline.append(case=case, kind=kind, summary="x", once="test", at=NOW)


@pytest.mark.parametrize("many", [1, 5])
def test_publishing_costs_the_same_for_many_as_for_one(
    merchant: Merchant, django_assert_num_queries: DjangoAssertNumQueries, many: int
) -> None:
    registered(merchant)
    for number in range(many):
        receive(failed(1, 0, f"in_{number}"))

    with django_assert_num_queries(11):  # four of them for savepoints
        outbound.publish(now=NOW)

    assert WebhookDelivery.objects.count() == 2 * many


# --- the message ------------------------------------------------------------------------------


def test_a_message_names_the_case_by_stripes_ids_and_no_person(merchant: Merchant) -> None:
    registered(merchant, None, "attempt.failed")
    receive(failed(1, 0))
    case = RecoveryCase.objects.get()

    [message] = published()

    notice = OutboundNotice.objects.get()
    assert message == {
        "type": "attempt.failed",
        "version": 1,
        "id": notice.public_id,
        "created_at": case.failed_at.isoformat().replace("+00:00", "Z"),
        "sequence": 1,
        "data": {
            "case": outbound.describe(case),
            "summary": case.timeline.get(kind="attempt_failed").summary,
            "actor": "stripe",
            "rule": case.timeline.get(kind="attempt_failed").rule,
            "facts": {
                "trigger": "stripe", "amount": 4900, "currency": "eur",
                "decline_type": case.decline_type, "decline_code": case.decline_code,
                "advice_code": "", "card_brand": case.card_brand, "card_last4": case.card_last4,
            },
        },
    }  # fmt: skip
    assert message["data"]["case"]["stripe_invoice_id"] == "in_1"
    assert message["data"]["case"]["customer_email_masked"] == "j***@x.org"
    assert "jo@x.org" not in notice.payload


def test_a_case_without_a_customer_can_be_told(merchant: Merchant) -> None:
    registered(merchant)
    guest = invoice(customer=None, customer_email=None)
    receive(event("invoice.payment_failed", guest))

    case = published()[0]["data"]["case"]

    assert (case["stripe_customer_id"], case["customer_email_masked"]) == ("", "")


def test_the_documentation_shows_every_field_of_a_case(merchant: Merchant) -> None:
    from tests.recovery.test_standard_webhooks import DOCUMENT

    example = json.loads(DOCUMENT.read_text().split("```json\n")[1].split("```")[0])
    registered(merchant)
    receive(failed(1, 0), paid(5))

    [*_, message] = published()

    assert list(message) == list(example)
    assert set(message["data"]) == set(example["data"])
    assert set(message["data"]["case"]) == set(example["data"]["case"])
    types = {str(type_) for type_ in EventType}
    assert {type_ for type_ in types if f"`{type_}`" not in DOCUMENT.read_text()} == set()


def test_a_campaigns_step_is_told_with_what_it_says(merchant: Merchant) -> None:
    case = opened()

    def emit() -> bool:
        return outbound.emit(
            case=case, type=EventType.DUNNING_STEP, once="step:1:2", now=NOW,
            data={"step": "show banner", "note": "asked by ann@example.com"},
        )  # fmt: skip

    assert emit() is False
    assert notices() == []
    registered(merchant, None, "dunning.step")
    assert emit() is True
    assert emit() is True

    [message] = published()
    assert message["type"] == "dunning.step"
    assert message["data"] == {
        "case": outbound.describe(case), "step": "show banner",
        "note": "asked by an***@example.com",
    }  # fmt: skip


def test_a_task_about_no_case_is_told_without_one(merchant: Merchant) -> None:
    other = registered(merchant, None, "task.created")

    for _ in range(2):
        operator_tasks.create_for_merchant(
            merchant=merchant, kind=TaskKind.WEBHOOK_DISABLED, summary="Look.", once="x", now=NOW
        )

    [message] = published()
    assert (message["type"], message["sequence"]) == ("task.created", None)
    assert message["data"] == {"summary": "For a person: Look.", "rule": "webhook_disabled"}
    assert WebhookDelivery.objects.get().registration == other


def test_numbers_go_on_where_they_were(merchant: Merchant) -> None:
    registered(merchant)
    receive(failed(1, 0))
    published()
    receive(paid(5))

    assert [message["sequence"] for message in published()] == [1, 2, 3]
    assert TimelineEntry.objects.filter(kind="opened").count() == 1
    assert timezone.is_aware(OutboundNotice.objects.latest("id").happened_at)
