"""GET analytics: the series and the funnel behind the back office's charts."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from recovery import credentials, timeline
from recovery.models import Merchant, RecoveryCase
from recovery.timeline import Kind
from tests.builders import make_merchant
from tests.recovery.api.asking import API, NOON, bearer, case

pytestmark = pytest.mark.django_db
DAYS = {"from": "2026-11-02", "to": "2026-11-04"}
NOBODY = dict.fromkeys(("failed", "reached", "opened", "updated", "recovered"), 0)


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


def ask(merchant: Merchant, **query: Any) -> dict[str, Any]:
    headers = {
        "X-Internal-Key": credentials.new_internal_key(merchant=merchant, now=timezone.now())
    }
    answer = Client().get(f"{API}analytics", DAYS | query, headers=headers)
    assert answer.status_code == 200, answer.content
    told: dict[str, Any] = answer.json()
    return told


def got_to(debt: RecoveryCase, *kinds: Kind) -> None:
    """Twice each: a mail is sent more than once, a link is opened again."""
    for number, kind in enumerate(kinds * 2):
        timeline.append(
            case=debt, kind=kind, once=f"{kind}:{number}", at=NOON, summary="It happened."
        )


def paid(merchant: Merchant, **facts: Any) -> RecoveryCase:
    return case(
        merchant, status="recovered", reason="invoice_paid", amount_recovered=4900,
        closed_at=NOON + timedelta(hours=1), **facts,
    )  # fmt: skip


def test_the_funnel_counts_each_case_once_at_each_stage(merchant: Merchant) -> None:
    sent, opened, updated = Kind.MESSAGE_SENT, Kind.LINK_OPENED, Kind.UPDATE_FINISHED
    got_to(paid(merchant, mechanism="card_update"), sent, opened, updated)
    got_to(case(merchant), sent, opened)
    got_to(case(merchant, decline_code="expired_card"), sent, Kind.MESSAGE_BOUNCED)
    paid(merchant, mechanism="stripe_retry", decline_code="")
    voided = case(merchant, status="voided", reason="refunded", closed_at=NOON)
    got_to(voided, sent)
    got_to(case(merchant, opened_at=NOON + timedelta(days=2)), sent)  # another day's

    funnel = ask(merchant)["funnel"]

    assert set(funnel["definitions"]) == set(NOBODY)
    assert funnel["total"] == {
        "failed": 4, "reached": 3, "opened": 2, "updated": 1, "recovered": 2,
    }  # fmt: skip
    assert funnel["by_decline_code"] == [
        {"decline_code": None, **NOBODY, "failed": 1, "recovered": 1},
        {"decline_code": "expired_card", **NOBODY, "failed": 1, "reached": 1},
        {"decline_code": "insufficient_funds", "failed": 2, "reached": 2, "opened": 2,
         "updated": 1, "recovered": 1},
    ]  # fmt: skip
    assert [(one["mechanism"], one["failed"]) for one in funnel["by_mechanism"]] == [
        (None, 2), ("card_update", 1), ("stripe_retry", 1),
    ]  # fmt: skip


def test_the_series_has_every_day_and_the_figures_of_metrics(merchant: Merchant) -> None:
    paid(merchant, mechanism="stripe_retry")
    paid(merchant, mechanism="stripe_retry", currency="eur")

    told = ask(merchant, currency="usd")

    days = [(day["day"], day["failed_payments"], day["recovered_count"]) for day in told["series"]]
    assert days == [("2026-11-02", 0, 0), ("2026-11-03", 1, 1), ("2026-11-04", 0, 0)]
    assert told["series"][1]["money"] == {
        "usd": {
            "at_stake": {"minor": 4900, "major": 49}, "recovered": {"minor": 4900, "major": 49},
            "refunded": {"minor": 0, "major": 0}, "lost": {"minor": 0, "major": 0},
            "voided": {"minor": 0, "major": 0}, "recovery_rate_by_amount": 1.0,
        }
    }  # fmt: skip
    assert told["series"][1]["median_days_to_recover"] == 0.0
    assert (told["currency"], told["time_zone"]) == ("usd", "UTC")
    assert told["funnel"]["total"]["failed"] == 1


def test_its_range_has_a_year_s_days_at_most(merchant: Merchant) -> None:
    key = credentials.new_internal_key(merchant=merchant, now=timezone.now())

    answer = Client().get(
        f"{API}analytics", {"from": "2025-11-01", "to": "2026-11-02"},
        headers={"X-Internal-Key": key},
    )  # fmt: skip

    assert (answer.status_code, set(answer.json()["error"]["fields"])) == (400, {"to"})


def test_where_nothing_failed_the_funnel_is_empty(merchant: Merchant) -> None:
    assert ask(merchant)["funnel"]["total"] == NOBODY


def test_an_api_key_is_no_internal_key(merchant: Merchant) -> None:
    answer = Client().get(f"{API}analytics", headers=bearer(merchant))

    assert (answer.status_code, answer["WWW-Authenticate"]) == (
        401, 'X-Internal-Key realm="recover"',
    )  # fmt: skip


def test_analytics_cost_the_same_for_one_case_and_for_thirty(merchant: Merchant) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            ask(merchant)
        return len(asked)

    got_to(case(merchant), Kind.MESSAGE_SENT)
    one = queries()
    for number in range(29):
        got_to(case(merchant, decline_code=f"code_{number}"), Kind.MESSAGE_SENT)

    assert queries() == one
