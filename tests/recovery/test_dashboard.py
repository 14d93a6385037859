"""GET dashboard, as the contract's section 3 has it."""

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from recovery import credentials, metrics
from recovery.models import Merchant, RecoveryCase, StripeEvent
from recovery.reading import LARGEST
from tests.builders import (
    DASHBOARD,
    DOCUMENTED_EXAMPLE,
    dashboard,
    event,
    make_merchant,
    receive,
)  # fmt: skip

pytestmark = pytest.mark.django_db
DEFINITIONS = "/fourthngoal/recover/metrics/definitions"


@pytest.mark.parametrize("headers", [{}, {"X-Internal-Key": "rik_wrong"}])
def test_without_a_good_key_it_is_a_401_that_says_how_to_authenticate(
    headers: dict[str, str],
) -> None:
    response = Client().get(DASHBOARD, headers=headers)
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("X-Internal-Key")
    assert set(response.json()["error"]) == {"code", "message", "fields"}


def test_a_merchant_sees_only_its_own_cases() -> None:
    ours = make_merchant()
    theirs = make_merchant("Other")
    receive(DOCUMENTED_EXAMPLE, merchant=ours)

    assert len(dashboard(ours)["events"]) == 1
    assert dashboard(theirs)["events"] == []
    assert dashboard(theirs)["failed_payments_mtd"] == 0


def test_before_anything_closed_there_is_no_rate() -> None:
    figures = dashboard(make_merchant(monthly_price=None))
    assert (figures["recovered_mtd"], figures["recovery_rate"]) == (0, None)
    assert figures["roi_multiple"] is None


@pytest.mark.parametrize("limit", ["0", "101", "x"])
def test_a_limit_out_of_range_is_a_400_that_names_the_field(limit: str) -> None:
    key = credentials.new_internal_key(merchant=make_merchant(), now=timezone.now())
    response = Client().get(DASHBOARD, {"limit": limit}, headers={"X-Internal-Key": key})
    assert response.status_code == 400
    assert "limit" in response.json()["error"]["fields"]


@pytest.mark.parametrize("created", [253_402_300_700, -62_135_596_800, 0])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles"])
def test_an_event_from_the_end_of_the_calendar_happened_when_it_was_heard(
    created: int, zone: str
) -> None:
    merchant = make_merchant(time_zone=zone)
    receive(DOCUMENTED_EXAMPLE | {"created": created})

    (shown,) = dashboard(merchant)["events"]
    assert shown["date"] == timezone.now().astimezone(merchant.zone).date().isoformat()


def fail_and_pay(invoice_id: str, amount: int) -> None:
    about = {"id": invoice_id, "amount_due": amount, "currency": "usd"}
    receive(event("invoice.payment_failed", about))
    receive(event("invoice.paid", about | {"amount_paid": amount}))


def test_the_largest_amounts_add_up() -> None:
    merchant = make_merchant()
    for number in range(3):
        fail_and_pay(f"in_{number}", LARGEST)

    assert dashboard(merchant)["recovered_mtd"] == 3 * LARGEST // 100


def test_amounts_that_no_database_can_add_up_are_refused_and_the_others_are_shown() -> None:
    merchant = make_merchant()
    for number in range(2):
        fail_and_pay(f"in_{number}", 2**62)
    fail_and_pay("in_2", 4900)

    assert dashboard(merchant)["recovered_mtd"] == 49
    refused = StripeEvent.objects.filter(state="failed").values_list("error", flat=True)
    assert [error.partition(" (")[0] for error in refused.order_by("id")] == [
        "amount_due is larger than any amount can be"
    ] * 2


def refund(amount: int, of: int = 4900) -> None:
    receive(event("charge.refunded", {"id": "ch_1", "invoice": "in_1", "amount": of,
                                      "amount_refunded": amount}))  # fmt: skip


def figures(merchant: Merchant) -> tuple[int, int, str]:
    shown = dashboard(merchant)
    (case,) = shown["events"]
    return shown["recovered_mtd"], case["recovered_amount"], case["status"]


@pytest.mark.parametrize(
    ("amount", "before", "after"),
    [
        (900, (0, 0, "open"), (40, 4000, "recovered")),
        (4900, (0, 0, "voided"), (0, 0, "voided")),
        (9900, (0, 0, "voided"), (0, 0, "voided")),
    ],
)
def test_a_refund_that_is_heard_before_the_payment_takes_no_money_that_did_not_come(
    amount: int, before: tuple[int, int, str], after: tuple[int, int, str]
) -> None:
    merchant = make_merchant()
    invoice = {"id": "in_1", "amount_due": 4900, "currency": "usd"}
    receive(event("invoice.payment_failed", invoice))
    refund(amount)
    assert figures(merchant) == before

    receive(event("invoice.paid", invoice | {"amount_paid": 4900}))
    assert figures(merchant) == after


def test_a_disputed_payment_brings_nothing_back_in_the_list_as_in_the_month() -> None:
    merchant = make_merchant()
    fail_and_pay("in_1", 4900)
    assert figures(merchant) == (49, 4900, "recovered")

    receive(event("charge.dispute.created", {"id": "dp_1", "charge": "ch_1", "invoice": "in_1"}))

    assert RecoveryCase.objects.get().amount_recovered == 4900
    assert figures(merchant) == (0, 0, "voided")


def test_no_case_takes_money_from_the_sum_of_the_others() -> None:
    merchant = make_merchant()
    fail_and_pay("in_1", 4900)
    fail_and_pay("in_2", 4900)
    RecoveryCase.objects.filter(stripe_invoice_id="in_1").update(amount_refunded=9900)

    assert dashboard(merchant)["recovered_mtd"] == 49


# --- what the figures mean --------------------------------------------------------------------


def test_the_dashboard_says_where_its_figures_are_defined(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://recover.example"
    merchant = make_merchant()

    address = dashboard(merchant)["definitions"]
    assert address == f"https://recover.example{DEFINITIONS}"
    key = credentials.new_internal_key(merchant=merchant, now=timezone.now())
    answer = Client().get(DEFINITIONS, headers={"X-Internal-Key": key})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    told = answer.json()
    assert set(told) == {"version", "definitions", "stripe"}
    assert told["stripe"]["definitions"] == dict(metrics.STRIPES_DEFINITIONS)
    assert told["version"] == 1
    assert all(words.endswith(".") for words in told["definitions"].values())


def test_every_figure_that_is_shown_is_defined() -> None:
    merchant = make_merchant()
    receive(DOCUMENTED_EXAMPLE)
    shown = dashboard(merchant)
    facts = {"id", "customer_email_masked", "decline_type", "decline_code", "currency", "status"}
    figures = (set(shown) | set(shown["events"][0])) - facts - {"definitions", "events"}

    assert figures <= set(metrics.DEFINITIONS)


@pytest.mark.parametrize("headers", [{}, {"X-Internal-Key": "rik_wrong"}])
def test_definitions_are_for_who_has_a_key(headers: dict[str, str]) -> None:
    answer = Client().get(DEFINITIONS, headers=headers)

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("X-Internal-Key")
