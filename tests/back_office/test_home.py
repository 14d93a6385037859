"""The first page: whether it pays, by the API's own figures; and what is to be done."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from recover_project.back_office.home import views
from recover_project.back_office.home.charts import bars
from recover_project.back_office.home.periods import LAST_MONTH, MONTH, QUARTER, period
from recovery import metrics
from recovery.metrics import Range
from recovery.models import (
    Merchant,
    OperatorTask,
    RecoveryCase,
    Role,
    StripeConnection,
    StripeEvent,
)
from tests.back_office.browsing import browser, person_at
from tests.back_office.people import log_in, log_in_superuser, make_world
from tests.builders import make_merchant

__all__ = ["browser"]  # a fixture

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
BERLIN = ZoneInfo("Europe/Berlin")
HOME = "/admin/"
NEVER_ADDED = "Currencies are never added up; cases and rates are of all of them."


def shown(client: Client, **asked: str) -> Any:
    answer = client.get(HOME, asked)
    assert answer.status_code == 200
    return answer


def four(answer: Any) -> dict[str, str]:
    return {figure.name: figure.value for figure in answer.context["figures"]}


def close(
    merchant: Merchant, n: int, *, status: str, at: datetime, amount: int = 4900, **facts: Any
) -> RecoveryCase:
    came = {"amount_recovered": amount, "mechanism": "card_update", "reason": "invoice_paid"}
    ways: dict[str, dict[str, Any]] = {"recovered": came, "lost": {"reason": "operator_closed"}}
    given = {"decline_code": "expired_card", "decline_type": "hard", "currency": "usd"}
    return RecoveryCase.objects.create(
        merchant=merchant, livemode=False, stripe_invoice_id=f"in_{n}", amount=amount,
        failed_at=at - timedelta(days=2), known_at=at, status=status, closed_at=at,
        **({"opened_at": at - timedelta(days=2)} | given | ways[status] | facts),
    )  # fmt: skip


# --- periods ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "today", "now", "before"),
    [
        (MONTH, "2026-11-26", ("2026-11-01", "2026-11-26"), ("2026-10-01", "2026-10-26")),
        (MONTH, "2026-03-31", ("2026-03-01", "2026-03-31"), ("2026-02-01", "2026-02-28")),
        (MONTH, "2026-01-01", ("2026-01-01", "2026-01-01"), ("2025-12-01", "2025-12-01")),
        (LAST_MONTH, "2026-03-05", ("2026-02-01", "2026-02-28"), ("2026-01-01", "2026-01-31")),
        (QUARTER, "2026-11-26", ("2026-08-29", "2026-11-26"), ("2026-05-31", "2026-08-28")),
        ("nonsense", "2026-11-26", ("2026-11-01", "2026-11-26"), ("2026-10-01", "2026-10-26")),
    ],
)
def test_a_period_is_shown_against_as_much_of_the_one_before(
    name: str, today: str, now: tuple[str, str], before: tuple[str, str]
) -> None:
    chosen = period(name, today=date.fromisoformat(today), zone=BERLIN)

    for range_, (first, last) in ((chosen.now, now), (chosen.before, before)):
        assert (str(range_.first), str(range_.last)) == (first, last)


def test_what_it_is_against_is_said_in_words() -> None:
    today = date(2026, 11, 26)

    assert period(MONTH, today=today, zone=BERLIN).against == "1 to 26 October 2026"
    assert period(QUARTER, today=today, zone=BERLIN).against == "31 May to 28 August 2026"


def test_the_largest_bar_is_whole_and_the_least_is_seen() -> None:
    told = bars([("a", 200, "", ""), ("b", 50, "", ""), ("c", 1, "", ""), ("d", 0, "", "")])

    assert [bar.size for bar in told] == [100.0, 25.0, 1.0, 0.0]
    assert bars([]) == []


# --- figures ----------------------------------------------------------------------------------


@pytest.fixture
def merchant() -> Merchant:
    merchant = make_merchant()
    Merchant.objects.update(time_zone="Europe/Berlin", monthly_price=2900)
    merchant.refresh_from_db()
    return merchant


NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "clock", SimpleNamespace(now=lambda: NOW))


@pytest.mark.usefixtures("at_noon")
def test_the_four_figures_are_the_apis_and_say_how_it_was_before(merchant: Merchant) -> None:
    for n, (status, day, amount) in enumerate([
        ("recovered", 5, 8000), ("recovered", 6, 2000), ("lost", 7, 1000), ("recovered", 26, 500),
    ]):  # fmt: skip
        close(merchant, n, status=status, at=datetime(2026, 11, day, 9, tzinfo=UTC), amount=amount)
    close(merchant, 10, status="recovered", at=datetime(2026, 10, 26, 9, tzinfo=UTC), amount=700)
    close(merchant, 11, status="recovered", at=datetime(2026, 10, 27, 9, tzinfo=UTC), amount=999)

    answer = shown(log_in(merchant))

    month = Range.month_to_date(BERLIN, now=NOW)
    api = metrics.together(metrics.totals(metrics.Counted(merchant), month).values())
    assert api.money("recovered", "usd") == 10_500
    told = four(answer)
    assert told["Recovered"] == "$105.00"
    assert told["Recovery rate"] == f"{api.rate('recovery_rate'):.0%}" == "75%"
    assert told["Return on cost"] == f"{metrics.roi_multiple(merchant, 10_500)} times"
    changes = {figure.name: figure.change for figure in answer.context["figures"]}
    assert changes["Recovered"] == "$7.00 in 1 to 26 October 2026"
    assert changes["Return on cost"] == (
        "0 times in 1 to 26 October 2026. "
        "All that came back counts, by Stripe's own retries and elsewhere too."
    )
    assert changes["At stake now"].startswith("Opened in the period: $115.00; ")


@pytest.mark.usefixtures("at_noon")
def test_what_is_open_now_is_at_stake_whenever_it_failed(merchant: Merchant) -> None:
    RecoveryCase.objects.create(
        merchant=merchant, livemode=False, stripe_invoice_id="in_old", amount=1234,
        currency="usd", decline_type="soft", failed_at=NOW - timedelta(days=80),
        opened_at=NOW - timedelta(days=80), known_at=NOW,
    )  # fmt: skip

    assert four(shown(log_in(merchant)))["At stake now"] == "$12.34"


@pytest.mark.usefixtures("at_noon")
def test_what_rests_at_another_account_or_mode_is_not_at_stake_now(merchant: Merchant) -> None:
    switched = NOW - timedelta(days=10)
    StripeConnection.objects.update(livemode=True, account_since=switched)
    for n, (is_live, hours) in enumerate([(True, -1), (True, 0), (True, 50), (False, 50)]):
        at = switched + timedelta(hours=hours)
        RecoveryCase.objects.create(
            merchant=merchant, livemode=is_live, stripe_invoice_id=f"in_{n}", amount=10**n,
            currency="usd", decline_type="soft", failed_at=at, opened_at=at, known_at=at,
        )  # fmt: skip

    assert four(shown(log_in(merchant)))["At stake now"] == "$1.10"


@pytest.mark.usefixtures("at_noon")
def test_other_currencies_stand_beside_and_are_never_added(merchant: Merchant) -> None:
    at = datetime(2026, 11, 5, 9, tzinfo=UTC)
    close(merchant, 1, status="recovered", at=at, amount=4900)
    close(merchant, 2, status="recovered", at=at, amount=5000, currency="jpy")

    answer = shown(log_in(merchant))

    assert four(answer)["Recovered"] == "$49.00"
    assert answer.context["others"] == [
        ("recovered", "¥5,000"), ("opened in the period", "¥5,000"),
    ]  # fmt: skip
    assert NEVER_ADDED in answer.content.decode()


@pytest.mark.usefixtures("at_noon")
def test_what_was_lost_or_is_owed_in_other_currencies_alone_is_said_too(
    merchant: Merchant,
) -> None:
    at, long_ago = datetime(2026, 11, 5, 9, tzinfo=UTC), NOW - timedelta(days=80)
    close(merchant, 1, status="lost", at=at, amount=5000, currency="jpy", opened_at=long_ago)
    for n, currency in ((2, "eur"), (3, "gbp")):
        RecoveryCase.objects.create(
            merchant=merchant, livemode=False, stripe_invoice_id=f"in_{n}", amount=1200,
            currency=currency, decline_type="soft", failed_at=long_ago, opened_at=long_ago,
            known_at=NOW,
        )  # fmt: skip

    answer = shown(log_in(merchant))

    assert answer.context["others"] == [("lost", "¥5,000"), ("at stake now", "€12.00, £12.00")]
    assert four(answer)["Recovery rate"] == "0%"
    assert four(answer)["At stake now"] == "$0.00"
    told = " ".join(answer.content.decode().split())
    assert "In other currencies: lost ¥5,000; at stake now €12.00, £12.00." in told
    assert NEVER_ADDED in told


@pytest.mark.usefixtures("at_noon")
def test_a_rate_that_is_compared_with_one_of_other_currencies_says_so(merchant: Merchant) -> None:
    close(merchant, 1, status="lost", at=datetime(2026, 10, 5, 9, tzinfo=UTC), currency="jpy")

    answer = shown(log_in(merchant))

    assert (answer.context["others"], NEVER_ADDED in answer.content.decode()) == ([], True)
    RecoveryCase.objects.update(currency="usd")
    assert NEVER_ADDED not in shown(log_in(merchant)).content.decode()


@pytest.mark.usefixtures("at_noon")
def test_a_period_with_losses_alone_is_shown(merchant: Merchant) -> None:
    at = datetime(2026, 11, 5, 9, tzinfo=UTC)
    close(merchant, 1, status="lost", at=at, opened_at=NOW - timedelta(days=80))

    answer = shown(log_in(merchant))

    assert [(bar.label, bar.beside) for bar in answer.context["by_code"]] == [
        ("expired_card", "0%"),
    ]  # fmt: skip
    assert "Recovered by reason" in answer.content.decode()


@pytest.mark.usefixtures("at_noon")
def test_charts_are_by_day_reason_and_way_and_read_as_tables(merchant: Merchant) -> None:
    at = datetime(2026, 11, 5, 9, tzinfo=UTC)
    close(merchant, 1, status="recovered", at=at, amount=3000)
    close(merchant, 2, status="recovered", at=at, amount=1000, decline_code="do_not_honor")
    close(merchant, 3, status="lost", at=at, decline_code="do_not_honor")

    answer = shown(log_in(merchant))

    def rows(name: str) -> list[tuple[str, str, str]]:
        return [(bar.label, bar.told, bar.beside) for bar in answer.context[name]]

    assert rows("by_code") == [
        ("expired_card", "$30.00", "100%"), ("do_not_honor", "$10.00", "50%"),
    ]  # fmt: skip
    assert [*rows("by_mechanism")] == [("a new card", "$40.00", "2 times")]
    assert ("5 Nov", "$40.00", "2 recovered, 1 lost") in rows("per_day")
    assert len(rows("per_day")) == 26
    assert rows("funnel")[0] == ("Failed", "3", "100%")
    assert answer.content.decode().count("<table") == 4


@pytest.mark.usefixtures("at_noon")
def test_one_is_said_as_one_and_two_as_two(merchant: Merchant) -> None:
    at = datetime(2026, 11, 5, 9, tzinfo=UTC)
    close(merchant, 1, status="recovered", at=at, mechanism="stripe_retry")
    for n in range(2, 11):
        close(merchant, n, status="recovered", at=at, decline_code=f"code_{n:02}")

    told = shown(log_in(merchant)).context

    assert [bar.beside for bar in told["by_mechanism"]] == ["9 times", "once"]
    assert told["by_code"][-1].label == "2 others"
    RecoveryCase.objects.filter(decline_code="code_10").delete()
    Merchant.objects.update(monthly_price=9 * 4900)
    told = shown(log_in(merchant))
    assert told.context["by_code"][-1].label == "1 other"
    assert four(told)["Return on cost"] == "1 time"


def test_ninety_days_have_no_price(merchant: Merchant) -> None:
    assert four(shown(log_in(merchant), period=QUARTER))["Return on cost"] == "none yet"


def test_another_merchants_money_is_not_seen(merchant: Merchant) -> None:
    close(make_merchant("Moss"), 1, status="recovered", at=timezone.now())

    assert four(shown(log_in(merchant)))["Recovered"] == "$0.00"


def test_it_costs_few_questions_however_many_cases_there_are(
    merchant: Merchant, django_assert_max_num_queries: Any
) -> None:
    for n in range(30):
        close(merchant, n, status="recovered", at=timezone.now())
    client = log_in(merchant)

    with django_assert_max_num_queries(25):
        shown(client)


# --- what is to be done -----------------------------------------------------------------------


def test_what_needs_a_person_leads_to_where_it_is_done() -> None:
    merchant = make_world("fern")
    StripeEvent.objects.update(state="failed", processed_at=None)
    client = log_in(merchant)

    waiting = shown(client).context["waiting"]

    assert [(one.count, one.what) for one in waiting] == [
        (1, "left to a person by a campaign"),
        (1, "event of Stripe's that could not be processed"),
    ]
    for one in waiting:
        listed = client.get(one.address)
        assert listed.context["cl"].result_count == one.count
    OperatorTask.objects.update(done_at=timezone.now())
    StripeEvent.objects.update(state="processed", processed_at=timezone.now())
    assert shown(client).context["waiting"] == []


def test_a_new_merchant_is_told_the_first_steps_and_each_ticks_off(merchant: Merchant) -> None:
    client = log_in(merchant, Role.OWNER)

    def done() -> list[bool]:
        return [step.is_done for step in shown(client).context["steps"]]

    assert done() == [False] * 5
    merchant.stripe.connected_at = timezone.now()
    merchant.stripe.save()
    assert done() == [True, *[False] * 4]
    merchant.support_email = "help@fern.example"
    merchant.save()
    assert done() == [True, False, False, True, False]


def test_where_there_is_no_merchant_the_platforms_staff_is_told_how_to_make_one() -> None:
    answer = shown(log_in_superuser())

    assert reverse("admin:settings_new_merchant") in answer.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.any_database
def test_it_is_fine_empty_and_full(browser: Browser, live_server: LiveServer) -> None:
    merchant = make_world("fern")
    for n in range(12):
        at = timezone.now() - timedelta(days=n)
        code = ["expired_card", "do_not_honor", "insufficient_funds"][n % 3]
        status = "lost" if n % 4 == 3 else "recovered"
        close(merchant, n, status=status, at=at, amount=1000 * n + 900, decline_code=code)
    olga = person_at(browser, live_server, log_in(merchant, Role.OWNER))

    for asked in ("", "?period=90-days"):
        olga.assert_fine(f"/admin/{asked}")


@pytest.mark.django_db(transaction=True)
@pytest.mark.any_database
def test_an_owner_sees_whether_it_pays_and_goes_where_somebody_is_needed(
    browser: Browser, live_server: LiveServer
) -> None:
    merchant = make_world("fern")
    close(merchant, 1, status="recovered", at=timezone.now(), amount=12300)
    olga = person_at(browser, live_server, log_in(merchant, Role.OWNER))
    page = olga.go("/admin/")

    assert page.get_by_text("$123.00").first.is_visible()
    page.get_by_text("As a table").click()
    assert page.get_by_role("columnheader", name="Day").is_visible()
    page.get_by_role("link", name="90 days").click()
    page.get_by_text("A month's price says nothing of 90 days.").wait_for()
    page.get_by_role("link", name="1 left to a person by a campaign").click()
    page.get_by_text("Call fern@example.com.").wait_for()
    assert (olga.complaints, olga.elsewhere) == ([], [])
