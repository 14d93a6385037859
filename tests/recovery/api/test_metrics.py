"""GET metrics: what it answers, refuses and costs; the figures are tests/recovery/metrics'."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from recovery import metrics
from recovery.models import Merchant, RecoveryCase
from tests.builders import dashboard, make_merchant
from tests.recovery.api.asking import NOON, case, get

pytestmark = pytest.mark.django_db
NOVEMBER = {"from": "2026-11-01", "to": "2026-11-30"}


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant(time_zone="Europe/Berlin")


def recovered(merchant: Merchant, amount: int = 4900, **facts: Any) -> RecoveryCase:
    """Three days after noon, by a card that was updated."""
    return case(
        merchant,
        **{
            "status": "recovered", "reason": "invoice_paid", "mechanism": "card_update",
            "amount": amount, "amount_recovered": amount, "closed_at": NOON + timedelta(days=3),
            **facts,
        },
    )  # fmt: skip


def lost(merchant: Merchant, **facts: Any) -> RecoveryCase:
    return case(
        merchant,
        **{"status": "lost", "reason": "campaign_ended", "closed_at": NOON, **facts},
    )


def ask(merchant: Merchant, **query: Any) -> dict[str, Any]:
    answer = get(merchant, "metrics", **query)
    assert answer.status_code == 200, answer.content
    told: dict[str, Any] = answer.json()
    return told


def money(minor: int, major: float) -> dict[str, float]:
    return {"minor": minor, "major": major}


def test_a_month_is_told_with_money_by_currency(merchant: Merchant) -> None:
    recovered(merchant, 384_000, amount_refunded=1000)
    recovered(merchant, 500, currency="jpy", closed_at=NOON + timedelta(days=1))
    lost(merchant, amount=9900, stripe_subscription_id="sub_1")
    case(merchant)

    told = ask(merchant, **NOVEMBER)

    assert told["definitions"].endswith("/fourthngoal/recover/metrics/definitions")
    assert told["definitions_version"] == metrics.DEFINITIONS_VERSION
    assert (told["from"], told["to"], told["time_zone"]) == (
        "2026-11-01", "2026-11-30", "Europe/Berlin",
    )  # fmt: skip
    assert (told["currency"], told["group_by"], told["groups"]) == (None, [], [])
    assert told["roi_multiple"] == 132
    assert told["total"] == {
        "failed_payments": 4, "recovered_count": 2, "lost_count": 1, "voided_count": 0,
        "recovery_rate": 0.67, "median_days_to_recover": 2.0,
        "money": {
            "jpy": {
                "at_stake": money(500, 500), "recovered": money(500, 500),
                "refunded": money(0, 0), "lost": money(0, 0), "voided": money(0, 0),
                "recovery_rate_by_amount": 1.0,
            },
            "usd": {
                "at_stake": money(398_800, 3988), "recovered": money(383_000, 3830),
                "refunded": money(1000, 10), "lost": money(9900, 99), "voided": money(0, 0),
                "recovery_rate_by_amount": 0.97,
            },
        },
    }  # fmt: skip
    assert told["stripe"]["failure_rate"] is None
    assert told["stripe"]["money"]["usd"] == {
        "failed_payments": money(9900, 99), "recovered_payments": money(0, 0),
        "not_recovered": money(9900, 99), "still_open": money(0, 0), "recovery_rate": 0.0,
    }  # fmt: skip


def test_the_dashboard_and_this_months_figures_agree(merchant: Merchant) -> None:
    now = timezone.now()
    recovered(merchant, 384_000, opened_at=now, closed_at=now)
    lost(merchant, opened_at=now, closed_at=now)

    shown, told = dashboard(merchant), ask(merchant)

    assert shown["recovered_mtd"] == told["total"]["money"]["usd"]["recovered"]["major"] == 3840
    assert shown["recovery_rate"] == told["total"]["recovery_rate"] == 0.5
    assert shown["failed_payments_mtd"] == told["total"]["failed_payments"] == 2
    assert shown["roi_multiple"] == told["roi_multiple"] == 132


def test_days_without_anything_are_told_too(merchant: Merchant) -> None:
    case(merchant, opened_at=datetime.fromisoformat("2026-11-03T22:59:59Z"))
    case(merchant, opened_at=datetime.fromisoformat("2026-11-03T23:00:00Z"))

    told = ask(merchant, **{"from": "2026-11-03", "to": "2026-11-05", "group_by": "day"})

    days = [(one["group"], one["failed_payments"]) for one in told["groups"]]
    assert days == [
        ({"day": "2026-11-03"}, 1),
        ({"day": "2026-11-04"}, 1),
        ({"day": "2026-11-05"}, 0),
    ]
    assert told["groups"][2]["money"]["usd"]["recovered"] == money(0, 0)


def test_groups_are_by_any_of_the_dimensions_at_once(merchant: Merchant) -> None:
    recovered(merchant)
    recovered(merchant, currency="eur")
    lost(merchant, decline_type="hard", decline_code="")
    every = "decline_type,decline_code,mechanism,currency,day"

    told = ask(merchant, **NOVEMBER, group_by="decline_code,currency")
    assert [one["group"] for one in told["groups"]] == [
        {"decline_code": None, "currency": "usd"},
        {"decline_code": "insufficient_funds", "currency": "eur"},
        {"decline_code": "insufficient_funds", "currency": "usd"},
    ]
    assert set(told["groups"][1]["money"]) == {"eur"}
    assert len(ask(merchant, **NOVEMBER, group_by=every)["groups"]) == 3 * 30


def test_by_mechanism_there_are_no_rates(merchant: Merchant) -> None:
    recovered(merchant)
    lost(merchant)

    told = ask(merchant, **NOVEMBER, group_by="currency,mechanism")

    assert told["total"]["recovery_rate"] == 0.5
    assert [
        (one["group"]["mechanism"], one["recovered_count"], one["lost_count"])
        for one in told["groups"]
    ] == [(None, 0, 1), ("card_update", 1, 0)]
    for one in told["groups"]:
        assert one["recovery_rate"] is None
        assert one["money"]["usd"]["recovery_rate_by_amount"] is None


def test_one_currency_may_be_asked_for(merchant: Merchant) -> None:
    recovered(merchant)
    recovered(merchant, currency="eur")

    told = ask(merchant, **NOVEMBER, currency="eur")

    assert told["total"]["recovered_count"] == 1
    assert set(told["total"]["money"]) == {"eur"}
    assert told["roi_multiple"] is None


def test_a_range_that_is_no_month_has_no_multiple(merchant: Merchant) -> None:
    recovered(merchant)

    assert ask(merchant, **{"from": "2026-11-02", "to": "2026-11-30"})["roi_multiple"] is None


def test_without_a_range_it_is_this_month_to_today(merchant: Merchant) -> None:
    today = timezone.now().astimezone(merchant.zone).date()

    told = ask(merchant)

    assert (told["from"], told["to"]) == (str(today.replace(day=1)), str(today))
    assert ask(merchant, to="2026-11-17")["from"] == "2026-11-01"
    assert ask(merchant, **{"from": "2999-01-01"})["to"] == "2999-01-01"


@pytest.mark.parametrize("is_live", [True, False])
def test_a_key_s_mode_is_the_only_one_that_counts(merchant: Merchant, *, is_live: bool) -> None:
    recovered(merchant, livemode=True, stripe_subscription_id="sub_1")
    recovered(merchant, 900, livemode=False, stripe_subscription_id="sub_2")
    assert ask(merchant, **NOVEMBER)["total"]["recovered_count"] == 2  # before there is a key
    merchant.stripe.livemode = is_live
    merchant.stripe.save()

    told, expected = ask(merchant, **NOVEMBER), money(4900, 49) if is_live else money(900, 9)

    assert told["total"]["recovered_count"] == 1
    assert told["total"]["money"]["usd"]["recovered"] == expected
    assert told["stripe"]["money"]["usd"]["recovered_payments"] == expected
    assert len(dashboard(merchant)["events"]) == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-11-02", "to": "2026-11-01"}, "to"),
        ({"from": "2025-11-01", "to": "2026-11-02", "group_by": "currency,day"}, "to"),
        ({"from": "2016-11-01", "to": "2026-11-02"}, "to"),
        ({"from": "0001-01-01", "to": "0001-01-02"}, "from"),
        ({"from": "9999-12-30", "to": "9999-12-31"}, "to"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-11-01T00:00:00Z"}, "from"),
        ({"currency": "US"}, "currency"),
        ({"group_by": "hour"}, "group_by"),
        ({"group_by": "day,day"}, "group_by"),
        ({"since": "2026-11-01"}, "since"),
    ],
)
def test_what_can_not_be_asked_is_a_400_that_names_it(
    merchant: Merchant, query: dict[str, str], field: str
) -> None:
    answer = get(merchant, "metrics", **query)

    assert (answer.status_code, set(answer.json()["error"]["fields"])) == (400, {field})


@pytest.mark.parametrize("by", ["decline_code", "day,decline_code"])
def test_more_groups_than_anybody_reads_are_refused(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    monkeypatch.setattr("recovery.api.metrics.MOST_GROUPS", 2)
    for code in ("a", "b", "c"):
        case(merchant, decline_code=code)

    answer = get(merchant, "metrics", **NOVEMBER, group_by=by)

    assert (answer.status_code, set(answer.json()["error"]["fields"])) == (400, {"group_by"})


def test_groups_that_are_too_many_are_not_read(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recovery.api.metrics.MOST_GROUPS", 2)
    for code in ("a", "b", "c", "d"):
        case(merchant, decline_code=code)

    with CaptureQueriesContext(connection) as asked:
        answer = get(merchant, "metrics", **NOVEMBER, group_by="decline_type,decline_code")

    assert (answer.status_code, set(answer.json()["error"]["fields"])) == (400, {"group_by"})
    assert not any("sum_recovered" in query["sql"] for query in asked)
    assert any("LIMIT 3" in query["sql"] for query in asked)


def test_figures_of_ten_years_cost_no_more_questions_than_of_a_month(merchant: Merchant) -> None:
    recovered(merchant, closed_at=NOON - timedelta(days=3000))
    recovered(merchant)

    with CaptureQueriesContext(connection) as of_a_month:
        assert ask(merchant, **NOVEMBER, group_by="currency")["total"]["recovered_count"] == 1
    with CaptureQueriesContext(connection) as of_all:
        told = ask(merchant, **{"from": "2016-12-01", "to": "2026-11-30"}, group_by="currency")

    assert told["total"]["recovered_count"] == told["groups"][0]["recovered_count"] == 2
    assert told["total"]["median_days_to_recover"] is None
    assert told["groups"][0]["median_days_to_recover"] is None
    assert len(of_all) < len(of_a_month)  # and no median


def test_a_year_is_the_longest_range_by_day(merchant: Merchant) -> None:
    told = ask(merchant, **{"from": "2025-11-01", "to": "2026-11-01", "group_by": "day"})

    assert len(told["groups"]) == 366


def test_every_figure_is_defined_and_every_definition_is_of_a_figure(merchant: Merchant) -> None:
    case(merchant)
    told, shown = ask(merchant), dashboard(merchant)
    figures = set(told["total"]) | set(told["total"]["money"]["usd"]) | {"roi_multiple"}
    figures |= {
        name for name in (set(shown) | set(shown["events"][0])) if name in metrics.DEFINITIONS
    }
    stripes = set(told["stripe"]["money"]["usd"]) | {"failure_rate"}

    assert figures - {"money"} == set(metrics.DEFINITIONS)
    assert stripes == set(metrics.STRIPES_DEFINITIONS)


def test_figures_cost_the_same_for_one_case_and_for_thirty(merchant: Merchant) -> None:
    def queries(**query: Any) -> int:
        with CaptureQueriesContext(connection) as asked:
            ask(merchant, **NOVEMBER, **query)
        return len(asked)

    recovered(merchant)
    one = queries(), queries(group_by="day,decline_code,mechanism,currency,decline_type")
    for number in range(29):
        recovered(merchant, decline_code=f"code_{number}", currency=("usd", "eur")[number % 2])

    assert (queries(), queries(group_by="decline_code,mechanism,currency,decline_type")) == one
