"""GET events and GET events/{id}: what a client is told of its cases."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from recovery import timeline
from recovery.models import Merchant, PaymentAttempt, RecoveryCase
from recovery.timeline import Kind
from tests.builders import DOCUMENTED_EXAMPLE, EXPIRED_CARD, make_merchant, receive
from tests.recovery.api.asking import NOON, case, customer, get

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant(time_zone="Europe/Berlin")


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [shown["id"] for shown in answer.json()["data"]]


def test_the_documented_example_is_one_event(merchant: Merchant) -> None:
    receive(DOCUMENTED_EXAMPLE, merchant=merchant)
    debt = RecoveryCase.objects.get()

    answer = get(merchant, "events").json()

    (shown,) = answer["data"]
    opened_at, failed_at = shown.pop("opened_at"), shown.pop("failed_at")
    assert opened_at.endswith("Z")
    assert failed_at.endswith("Z")
    assert shown == {
        "id": debt.public_id, "livemode": False, "status": "open", "reason": None,
        "is_paused": False, "paused_until": None, "stripe_customer_id": None,
        "customer_email_masked": "us***@example.com",
        "stripe_invoice_id": "in_1PxKJ2HjQ9kdnRw7xyz", "stripe_payment_intent_id": None,
        "stripe_subscription_id": None, "invoice_number": None, "amount": 4900,
        "amount_recovered": 0, "amount_refunded": 0, "currency": "usd", "decline_type": "soft",
        "decline_code": "insufficient_funds", "advice_code": None, "mechanism": None,
        "attempt_count": 0, "next_payment_attempt_at": None, "closed_at": None,
    }  # fmt: skip
    assert (answer["has_more"], answer["next_cursor"]) == (False, None)


def test_a_case_without_a_customer_has_neither_id_nor_address(merchant: Merchant) -> None:
    case(merchant, customer=None)

    (shown,) = get(merchant, "events").json()["data"]
    assert (shown["stripe_customer_id"], shown["customer_email_masked"]) == (None, None)


def test_pages_lead_to_the_last_event(merchant: Merchant) -> None:
    made = [case(merchant, opened_at=NOON + n * MINUTE).public_id for n in range(5)]
    first = get(merchant, "events", limit=2)
    second = get(merchant, "events", limit=2, cursor=first.json()["next_cursor"])
    third = get(merchant, "events", limit=2, cursor=second.json()["next_cursor"])

    assert ids(first) + ids(second) + ids(third) == made[::-1]
    assert third.json()["has_more"] is False


def test_a_live_merchant_is_shown_its_live_cases(merchant: Merchant) -> None:
    merchant.stripe.livemode = True
    merchant.stripe.save()
    live, _test = case(merchant, livemode=True), case(merchant, livemode=False)

    assert ids(get(merchant, "events")) == [live.public_id]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"status": "closed"}, "status"),
        ({"decline_type": "medium"}, "decline_type"),
        ({"currency": "USD"}, "currency"),
        ({"opened_after": "yesterday"}, "opened_after"),
        ({"opened_before": "2026-13-01"}, "opened_before"),
        ({"opened_before": "0001-01-01"}, "opened_before"),
        ({"opened_after": "9999-12-31T23:59:59-12:00"}, "opened_after"),
        ({"page": "2"}, "page"),
    ],
)
def test_what_can_not_be_asked_is_a_400_that_names_it(
    merchant: Merchant, query: dict[str, str], field: str
) -> None:
    answer = get(merchant, "events", **query)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_request"
    assert set(answer.json()["error"]["fields"]) == {field}


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "9999-12-31T23:59:59Z"])
def test_a_day_that_is_written_well_and_out_of_reach_is_told_what_is_within(
    merchant: Merchant, day: str
) -> None:
    answer = get(merchant, "events", opened_after=day)

    assert answer.json()["error"]["fields"] == {
        "opened_after": ["Write a day from 1970-01-02 to 9999-12-30, or a time then."]
    }


# --- one event --------------------------------------------------------------------------------


def test_an_event_is_shown_with_all_that_happened(merchant: Merchant) -> None:
    receive(EXPIRED_CARD, merchant=merchant)
    debt = RecoveryCase.objects.get()
    timeline.append(
        case=debt, kind=Kind.MESSAGE_NOT_SENT, once="a", at=timezone.now(), rule="bounced",
        summary="Mail to jo@example.com: it bounced", source="the provider",
        facts={"to": ["jo@example.com"], "tries": 3},
    )  # fmt: skip

    shown = get(merchant, f"events/{debt.public_id}").json()

    assert shown["id"] == debt.public_id
    (attempt,) = shown["attempts"]
    assert (attempt["trigger"], attempt["state"], attempt["amount"]) == ("stripe", "failed", 4900)
    assert (attempt["decline_code"], attempt["error"]) == ("expired_card", None)
    assert {"opened", "attempt_failed"} < {entry["kind"] for entry in shown["timeline"]}
    assert shown["timeline"] == sorted(shown["timeline"], key=lambda entry: entry["at"])
    last = shown["timeline"][-1]
    assert last.pop("at").endswith("Z")
    assert last == {
        "kind": "message_not_sent", "actor": "recover", "rule": "bounced",
        "summary": "Mail to j***@example.com: it bounced", "source": "the provider",
        "facts": {"to": ["j***@example.com"], "tries": 3},
    }  # fmt: skip
    assert shown["next_step"] is None


def plan(debt: RecoveryCase, step: int, at: Any, kind: Kind = Kind.STEP_PLANNED) -> None:
    timeline.append(
        case=debt, kind=kind, once=f"{kind}{step}", at=timezone.now(), summary="Told.",
        facts={"step": step, "channel": "email", "at": at.isoformat(), "moves": []},
    )  # fmt: skip


def test_the_next_step_is_what_was_planned_last(merchant: Merchant) -> None:
    debt = case(merchant)
    tomorrow = timezone.now().replace(microsecond=0) + timedelta(days=1)
    plan(debt, 1, timezone.now() - MINUTE)
    plan(debt, 2, tomorrow)

    def next_step() -> Any:
        return get(merchant, f"events/{debt.public_id}").json()["next_step"]

    assert next_step() == {
        "step": 2, "channel": "email", "at": tomorrow.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }  # fmt: skip
    plan(debt, 3, timezone.now() - MINUTE)  # it is being taken
    assert next_step() is None
    plan(debt, 4, tomorrow)
    plan(debt, 5, tomorrow, Kind.DUNNING_ENDED)
    assert next_step() is None


def test_a_closed_case_has_no_next_step(merchant: Merchant) -> None:
    debt = case(merchant)
    plan(debt, 1, timezone.now() + MINUTE)
    RecoveryCase.objects.update(status="lost", reason="campaign_ended", closed_at=NOON)

    assert get(merchant, f"events/{debt.public_id}").json()["next_step"] is None


def test_what_is_unknown_and_what_is_anothers_are_one_answer(merchant: Merchant) -> None:
    theirs = case(make_merchant("Other"))

    unknown = get(merchant, "events/case_unknown")
    anothers = get(merchant, f"events/{theirs.public_id}")

    assert (unknown.status_code, anothers.status_code) == (404, 404)
    assert unknown.content == anothers.content


def test_no_database_id_is_told(merchant: Merchant) -> None:
    """The one whole number beside amounts and counts would be one."""
    debt = case(merchant)
    PaymentAttempt.objects.create(
        merchant=merchant, case=debt, trigger="stripe", state="claimed", key="k", amount=4900,
        currency="usd", attempted_at=NOON,
    )  # fmt: skip

    shown = get(merchant, f"events/{debt.public_id}").json()
    numbers = {name for name, value in shown.items() if type(value) is int}
    numbers |= {name for name, value in shown["attempts"][0].items() if type(value) is int}
    assert numbers == {"amount", "amount_recovered", "amount_refunded", "attempt_count"}
    assert "key" not in shown["attempts"][0]


# --- cost -------------------------------------------------------------------------------------


def queries(merchant: Merchant, path: str, **query: Any) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert get(merchant, path, **query).status_code == 200
    return len(asked)


def test_a_list_costs_the_same_for_one_and_for_thirty(merchant: Merchant) -> None:
    every = {
        "status": "open", "decline_type": "soft", "currency": "usd", "customer": "cus_jo",
        "opened_after": "2026-11-03", "opened_before": "2026-11-04",
    }  # fmt: skip
    case(merchant)
    one = queries(merchant, "events"), queries(merchant, "events", **every)
    for number in range(29):
        case(merchant, customer=customer(merchant, f"cus_{number}", f"{number}@example.com"))

    thirty = queries(merchant, "events", limit=100), queries(merchant, "events", **every)
    assert thirty == one


def test_an_event_costs_the_same_however_much_happened(merchant: Merchant) -> None:
    debt = case(merchant)
    before = queries(merchant, f"events/{debt.public_id}")
    for number in range(30):
        plan(debt, number, NOON)
        PaymentAttempt.objects.create(
            merchant=merchant, case=debt, trigger="stripe", state="claimed", key=str(number),
            amount=4900, currency="usd", attempted_at=NOON,
        )  # fmt: skip

    assert queries(merchant, f"events/{debt.public_id}") == before
