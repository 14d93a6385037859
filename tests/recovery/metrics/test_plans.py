"""Figures of a month read the cases of that month, however many there are of other months."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recovery import metrics
from recovery.metrics import Range, stripes_view
from recovery.models import Merchant, RecoveryCase
from tests.builders import make_merchant
from tests.recovery.api.asking import NOON

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL plans for itself."),
]
DAY = Range(date(2026, 11, 3), date(2026, 11, 3), ZoneInfo("UTC"))


@pytest.fixture
def merchant() -> Merchant:
    """With twelve years of cases, one a day that was recovered and one that is open."""
    made = make_merchant()
    RecoveryCase.objects.bulk_create(
        RecoveryCase(
            merchant=made, livemode=False, stripe_invoice_id=f"in_{days}{kind}", amount=4900,
            stripe_subscription_id=f"sub_{days}", currency="usd", decline_type="soft",
            failed_at=at, opened_at=at, known_at=at, **facts,
        )
        for days in range(4000)
        for at in [NOON - timedelta(days=days)]
        for kind, facts in {
            "open": {},
            "back": {
                "status": "recovered", "reason": "invoice_paid", "mechanism": "stripe_retry",
                "amount_recovered": 4900, "closed_at": at,
            },
        }.items()
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE recovery_recoverycase")
    return made


def plans(asked: CaptureQueriesContext) -> list[str]:
    """How PostgreSQL reads the cases for each of the queries."""
    found = []
    with connection.cursor() as cursor:
        for query in [one["sql"] for one in asked if one["sql"].startswith("SELECT")]:
            cursor.execute(f"EXPLAIN {query}")
            found.append("\n".join(row[0] for row in cursor.fetchall()))
    return found


def test_each_figure_reads_its_days_off_an_index(merchant: Merchant) -> None:
    counted = metrics.Counted(merchant)

    with CaptureQueriesContext(connection) as asked:
        metrics.totals(counted, DAY, by=("day",))
        metrics.median_days(counted, DAY)
        stripes_view.by_currency(counted, DAY)

    told = plans(asked)
    names = ("cases_newest_first", "closed_cases_by_day", "closed_cases_by_day",
             "subscriptions_by_failure")  # fmt: skip
    assert len(told) == len(names)
    for plan, name in zip(told, names, strict=True):
        assert name in plan
        assert "Seq Scan" not in plan
