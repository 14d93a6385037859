"""The figures of the work itself, each seen to move."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings as SettingsWrapper

from dunning.tasks import start_runs
from recover_project.probes import gauges
from recovery import heartbeats, operator_tasks, webhook_registrations
from recovery.models import RecoveryCase, StripeEvent
from recovery.operator_tasks import TaskKind
from tests.builders import DOCUMENTED_EXAMPLE, make_merchant, receive
from tests.recovery.receivers import registered

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.django_db


def read(now: datetime | None = None) -> dict[str, float]:
    """Each figure by its name, with its label's value after a colon."""
    return {
        ":".join([gauge.name, *(value for _name, value in labels)]): value
        for gauge in gauges.read(now=now or timezone.now())
        for labels, value in gauge.values.items()
    }


def test_an_installation_at_rest_shows_noughts() -> None:
    figures = read()

    assert set(figures.values()) == {0}
    assert "recover_worker_heartbeat_age_seconds" not in figures


def test_events_that_wait_and_events_given_up_are_counted_with_their_age() -> None:
    now, merchant = timezone.now(), make_merchant()
    times = {"evt_1": ("pending", 90), "evt_2": ("pending", 5), "evt_3": ("failed", 900)}
    for name, (state, age) in times.items():
        StripeEvent.objects.create(
            merchant=merchant, stripe_event_id=name, type="invoice.paid", concerns="in_1",
            payload="{}", received_at=now - timedelta(seconds=age), state=state, due_at=now,
        )  # fmt: skip

    figures = read(now)

    assert figures["recover_inbox_events:pending"] == 2
    assert figures["recover_inbox_events:failed"] == 1
    assert figures["recover_inbox_oldest_event_age_seconds"] == 90


def test_a_failed_payment_shows_as_a_case_a_step_that_is_due_and_then_a_mail() -> None:
    receive(DOCUMENTED_EXAMPLE, merchant=make_merchant())
    start_runs()
    case = RecoveryCase.objects.get()
    mode = str(case.livemode).lower()
    later = timezone.now() + timedelta(days=3)

    figures = read(later)

    assert figures[f"recover_cases_open:{mode}"] == 1
    assert figures["recover_runs_due"] == 1
    assert 0 < figures["recover_runs_lag_seconds"] < timedelta(days=3).total_seconds()
    assert read()["recover_messages:queued"] == 0


def test_tasks_and_endpoints_that_failed_are_counted_and_those_turned_off_are_not() -> None:
    merchant = make_merchant()
    receive(DOCUMENTED_EXAMPLE, merchant=merchant)
    task = {"case": RecoveryCase.objects.get(), "kind": TaskKind.CAMPAIGN_STEP, "summary": "Call."}
    operator_tasks.create(**task, once="one", now=timezone.now())  # type: ignore[arg-type]
    failing, off = registered(merchant), registered(merchant)
    webhook_registrations.has_not_taken(failing, is_gone=True, now=timezone.now())
    webhook_registrations.disable(registration=off, now=timezone.now())

    figures = read()

    assert figures["recover_tasks_open"] == 2  # the second tells of the endpoint
    assert figures["recover_endpoints_disabled"] == 1


def test_the_worker_is_as_old_as_its_last_beat() -> None:
    now = timezone.now()
    heartbeats.beat(now=now - timedelta(hours=1))
    heartbeats.beat(now=now - timedelta(seconds=40))

    assert read(now)["recover_worker_heartbeat_age_seconds"] == 40


def test_the_figures_name_no_merchant_and_no_customer(settings: SettingsWrapper) -> None:
    settings.DEBUG = True
    merchant = make_merchant("Fern")
    receive(DOCUMENTED_EXAMPLE, merchant=merchant)

    shown = Client().get("/metrics").content.decode()

    assert "recover_cases_open" in shown
    for secret in ("Fern", merchant.public_id, "example.com", "in_1PxKJ2HjQ9kdnRw7xyz"):
        assert secret not in shown


def test_the_figures_cost_the_same_however_much_there_is(
    django_assert_num_queries: Any,
) -> None:
    with django_assert_num_queries(17):
        read()


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="It is about PostgreSQL's plans.")
@pytest.mark.parametrize(
    ("sql", "index"),
    [
        ("SELECT count(*) FROM recovery_stripeevent WHERE state = 'failed'", "events_given_up"),
        ("SELECT count(*) FROM recovery_stripeevent WHERE state = 'pending'", "pending_events"),
        ("SELECT count(*) FROM recovery_recoverycase WHERE status = 'open' AND livemode",
         "open_cases"),
        ("SELECT count(*) FROM dunning_dunningmessage WHERE state = 'unknown'",
         "unknown_messages"),
        ("SELECT count(*) FROM dunning_dunningmessage WHERE state = 'queued'", "queued_messages"),
    ],
)  # fmt: skip
def test_what_is_done_is_not_read_through_to_count_what_is_not(sql: str, index: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {sql}")
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert index in plan


def test_every_figure_is_explained_and_every_alert_is_about_one() -> None:
    names = {gauge.name for gauge in gauges.read(now=timezone.now())}
    told = (ROOT / "docs" / "operations.md").read_text()
    alerts = (ROOT / "docs" / "alerts.yaml").read_text()

    assert {name for name in names if f"`{name}`" not in told} == set()
    assert set(re.findall(r"\brecover_\w+", alerts)) <= names
    for alert in re.findall(r"alert: (\w+)", alerts):
        assert f"**{alert}**" in told
