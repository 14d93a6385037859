"""The figures of the work itself, each seen to move, apart for live and test mode."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings as SettingsWrapper

from dunning.models import DunningRetry
from recover_project.back_office.operations import checking
from recovery import cases, heartbeats, operator_tasks, outbound, webhook_registrations
from recovery.models import (
    Coverage,
    Merchant,
    Reconciliation,
    RecoveryCase,
    StripeConnection,
    StripeEvent,
    WebhookDelivery,
)
from recovery.operator_tasks import TaskKind
from tests.builders import DOCUMENTED_EXAMPLE, make_merchant, receive
from tests.recover_project.probes.rows import attempt, case, in_both_modes, message, read, run
from tests.recovery.receivers import registered

pytestmark = pytest.mark.django_db
SOMEBODY = {"actor": "somebody"}


def test_an_installation_at_rest_shows_noughts() -> None:
    figures = read()

    assert set(figures.values()) == {0}
    assert ("recover_worker_heartbeat_age_seconds",) not in figures


def test_what_breaks_what_must_always_hold_is_counted_as_it_was_last_seen() -> None:
    make_merchant()
    now, broken = timezone.now(), case("in_1")
    StripeConnection.objects.update(livemode=True)
    checking.check(broken.merchant, now=now - timedelta(seconds=40))
    figures = read(now)
    assert in_both_modes(figures, "recover_invariants_broken") == (0, 0)
    assert in_both_modes(figures, "recover_invariants_age_seconds") == (40, 0)

    long_ago = now - timedelta(hours=1)
    StripeEvent.objects.update(
        state="pending", tries=0, processed_at=None, received_at=long_ago, due_at=long_ago
    )
    checking.check(broken.merchant, now=now)

    live, test = in_both_modes(read(now), "recover_invariants_broken")
    assert live >= 1
    assert test == 0


def test_events_that_wait_and_events_given_up_are_counted_with_their_age() -> None:
    now, live, unknown = timezone.now(), make_merchant("Fern"), make_merchant("Moss")
    live.stripe.livemode = True
    live.stripe.save()
    for merchant, state, age in ((live, "pending", 90), (live, "pending", 5),
                                 (live, "failed", 900), (unknown, "pending", 7)):  # fmt: skip
        StripeEvent.objects.create(
            merchant=merchant, stripe_event_id=f"evt_{age}", type="invoice.paid", concerns="in_1",
            payload="{}", received_at=now - timedelta(seconds=age), state=state, due_at=now,
        )  # fmt: skip

    figures = read(now)

    assert in_both_modes(figures, "recover_inbox_events", "pending") == (2, 0)
    assert in_both_modes(figures, "recover_inbox_events", "failed") == (1, 0)
    assert in_both_modes(figures, "recover_inbox_oldest_event_age_seconds") == (90, 0)
    assert figures["recover_inbox_events", "unknown", "pending"] == 1
    assert figures["recover_inbox_oldest_event_age_seconds", "unknown"] == 7


def test_what_is_surely_here_has_an_age_and_what_was_missed_is_counted_for_a_day() -> None:
    now, hour = timezone.now(), timedelta(hours=1)
    for name, is_live, age in (("a", True, 2), ("b", True, 1), ("c", False, 5), ("gone", True, 9)):
        merchant = make_merchant(name)
        merchant.stripe.livemode, merchant.stripe.connected_at = is_live, now - 9 * hour
        merchant.stripe.disconnected_at = now if name == "gone" else None
        merchant.stripe.save()
        Coverage.objects.create(
            merchant=merchant, account="", due_at=now, covered_until=now - age * hour
        )
        for ago in (age, age + 24):
            Reconciliation.objects.create(
                merchant=merchant, began_at=now - ago * hour, ended_at=now, state="done",
                events_missed=10 * age,
            )  # fmt: skip

    figures = read(now)

    assert in_both_modes(figures, "recover_reconciliation_age_seconds") == (7200, 18000)
    assert in_both_modes(figures, "recover_events_missed") == (120, 50)


def test_cases_are_counted_while_they_are_open() -> None:
    make_merchant()
    for name in ("in_1", "in_2"):
        case(name)
    case("in_3", is_live=False)
    closed = case("in_4")
    cases.close(case=closed, reason="", now=timezone.now(), **SOMEBODY)
    StripeConnection.objects.update(livemode=None)  # both are worked

    assert in_both_modes(read(), "recover_cases_open") == (2, 1)


def test_cases_that_rest_are_not_counted_as_being_recovered() -> None:
    merchant, now = make_merchant(), timezone.now()
    for name, is_live, hours in (("in_1", True, -1), ("in_2", True, 0), ("in_3", False, 0)):
        made = case(name, is_live=is_live)
        opened_at = now + timedelta(hours=hours)
        RecoveryCase.objects.filter(pk=made.pk).update(opened_at=opened_at)
    StripeConnection.objects.update(livemode=True, account_since=now)

    assert in_both_modes(read(), "recover_cases_open") == (1, 0)
    merchant.stripe.refresh_from_db()
    merchant.stripe.disconnected_at = now
    merchant.stripe.save()
    assert in_both_modes(read(), "recover_cases_open") == (0, 0)


def test_steps_that_are_due_are_counted_and_those_of_paused_cases_are_not() -> None:
    make_merchant()
    now = timezone.now()
    for name, late, is_live in (("in_1", 40, True), ("in_2", 3000, True), ("in_3", 10, False)):
        made = case(name, is_live=is_live)
        StripeConnection.objects.update(livemode=None)  # both are worked
        run(made, due_at=now - timedelta(seconds=late))
    run(case("in_4"), due_at=now + timedelta(hours=1))
    paused = case("in_5")
    run(paused, due_at=now - timedelta(days=2))
    StripeConnection.objects.update(livemode=None)
    cases.pause(case=paused, until=None, now=now, **SOMEBODY)

    figures = read(now)

    assert in_both_modes(figures, "recover_runs_due") == (2, 1)
    assert in_both_modes(figures, "recover_runs_lag_seconds") == (3000, 10)


def test_steps_of_a_merchant_whose_stripe_is_gone_are_not_late() -> None:
    merchant, now = make_merchant(), timezone.now()
    run(case("in_1"), due_at=now - timedelta(days=2))
    assert in_both_modes(read(now), "recover_runs_due") == (1, 0)

    merchant.stripe.disconnected_at = now
    merchant.stripe.save()

    assert in_both_modes(read(now), "recover_runs_due") == (0, 0)


def test_charges_that_are_due_are_counted_with_how_late_they_are() -> None:
    make_merchant()
    now = timezone.now()
    for name, late in (("in_1", 25), ("in_2", -25)):
        live = run(case(name), due_at=now + timedelta(days=1))
        due_at = now - timedelta(seconds=late)
        DunningRetry.objects.create(
            merchant=live.merchant, run=live, case=live.case, queued_at=now, due_at=due_at,
            step=live.campaign.steps.all()[0],
        )  # fmt: skip

    figures = read(now)

    assert in_both_modes(figures, "recover_retries_due") == (1, 0)
    assert in_both_modes(figures, "recover_retries_lag_seconds") == (25, 0)


def test_mails_are_counted_by_state_with_how_late_they_are_and_since_when_refused() -> None:
    make_merchant()
    now = timezone.now()
    message(case("in_1"), due_at=now - timedelta(seconds=50))
    refused = {"due_at": now + timedelta(hours=1), "refused_since": now - timedelta(seconds=700)}
    message(case("in_2"), **refused)
    message(case("in_3"), state="sending", claimed_at=now)
    message(case("in_4"), state="unknown", claimed_at=now)
    message(case("in_5"), state="sent", sent_at=now)
    message(case("in_6"), state="failed", refused_since=now - timedelta(days=9))
    message(case("in_7", is_live=False), due_at=now - timedelta(seconds=8))

    figures = read(now)

    assert in_both_modes(figures, "recover_messages", "queued") == (2, 1)
    assert in_both_modes(figures, "recover_messages", "sending") == (1, 0)
    assert in_both_modes(figures, "recover_messages", "unknown") == (1, 0)
    assert in_both_modes(figures, "recover_messages_lag_seconds") == (50, 8)
    assert in_both_modes(figures, "recover_messages_refused_age_seconds") == (700, 0)


def test_charges_without_an_end_are_counted_and_those_with_a_bank_are_not() -> None:
    make_merchant()
    now = timezone.now()
    attempt(case("in_1"), attempted_at=now - timedelta(hours=2), state="claimed")
    attempt(case("in_2", is_live=False), attempted_at=now - timedelta(seconds=3), state="claimed")
    attempt(case("in_3"), attempted_at=now - timedelta(days=3), state="pending")
    attempt(case("in_4"), attempted_at=now - timedelta(days=3), state="succeeded")

    figures = read(now)

    assert in_both_modes(figures, "recover_attempts_unresolved") == (1, 1)
    assert in_both_modes(figures, "recover_attempts_oldest_unresolved_age_seconds") == (7200, 3)


def webhook(state: str, **fields: Any) -> WebhookDelivery:
    """Of a case of its own, in a state."""
    case(f"in_{WebhookDelivery.objects.count()}")
    outbound.publish(now=timezone.now())
    delivery = WebhookDelivery.objects.latest("pk")
    WebhookDelivery.objects.exclude(pk=delivery.pk).filter(state="pending", tried_at=None).delete()
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        state=state, tried_at=timezone.now(), **fields
    )
    return delivery


def test_webhooks_are_counted_by_state_and_are_late_only_where_the_endpoint_works() -> None:
    now, registration = timezone.now(), registered(make_merchant())
    webhook("delivered", delivered_at=now)
    webhook("given_up", given_up_at=now)
    webhook("pending", due_at=now + timedelta(hours=2))
    webhook("pending", due_at=now - timedelta(seconds=33))

    figures = read(now)

    assert in_both_modes(figures, "recover_deliveries", "given_up") == (1, 0)
    assert in_both_modes(figures, "recover_deliveries", "waiting") == (1, 0)
    assert in_both_modes(figures, "recover_deliveries", "due") == (1, 0)
    assert in_both_modes(figures, "recover_deliveries_lag_seconds") == (33, 0)
    registration.failing_since = now
    registration.save()
    figures = read(now)
    assert in_both_modes(figures, "recover_deliveries", "due") == (1, 0)
    assert in_both_modes(figures, "recover_deliveries_lag_seconds") == (0, 0)


def test_tasks_and_endpoints_that_failed_are_counted_and_those_turned_off_are_not() -> None:
    merchant, now = make_merchant(), timezone.now()
    merchant.stripe.livemode = True
    merchant.stripe.save()
    about = case("in_1", is_live=False)
    told: dict[str, Any] = {"case": about, "kind": TaskKind.CAMPAIGN_STEP, "summary": "Call."}
    operator_tasks.create(**told, once="one", now=now)
    done = operator_tasks.create(**told, once="two", now=now)
    operator_tasks.is_done(done, now=now, **SOMEBODY)
    failing, off = registered(merchant), registered(merchant)
    webhook_registrations.has_not_taken(failing, is_gone=True, now=now)
    webhook_registrations.disable(registration=off, now=now)

    figures = read(now)

    # Its case is a test; the task that tells of the endpoint is about none, and the merchant live.
    assert in_both_modes(figures, "recover_tasks_open") == (1, 1)
    assert in_both_modes(figures, "recover_endpoints_disabled") == (1, 0)


def test_the_worker_is_as_old_as_its_last_beat() -> None:
    now = timezone.now()
    heartbeats.beat(now=now - timedelta(hours=1))
    heartbeats.beat(now=now - timedelta(seconds=40))

    assert read(now)["recover_worker_heartbeat_age_seconds",] == 40


def test_the_figures_name_no_merchant_and_no_customer(settings: SettingsWrapper) -> None:
    settings.DEBUG, settings.METRICS_TOKEN = True, ""
    merchant = make_merchant("Fern")
    receive(DOCUMENTED_EXAMPLE, merchant=merchant)

    shown = Client().get("/metrics").content.decode()

    mode = str(RecoveryCase.objects.get().livemode).lower()
    assert f'recover_cases_open{{livemode="{mode}"}} 1\n' in shown
    for secret in ("Fern", merchant.public_id, "example.com", "in_1PxKJ2HjQ9kdnRw7xyz"):
        assert secret not in shown


def test_the_figures_cost_the_same_however_much_there_is(
    django_assert_num_queries: Any,
) -> None:
    with django_assert_num_queries(21):
        read()
    for name in ("Fern", "Moss"):
        merchant = make_merchant(name)
        receive(DOCUMENTED_EXAMPLE, merchant=merchant)
    assert Merchant.objects.count() == 2

    with django_assert_num_queries(21):
        read()


PARTIAL = [
    "events_given_up", "pending_events", "open_cases", "due_runs|one_live_run_per_case",
    "due_retries", "queued_messages", "claimed_messages", "unknown_messages",
    "attempts_without_an_end", "due_deliveries", "given_up_deliveries|given_up_of_a_merchant",
    "tasks_to_do",
    "reconciliations_that_found",
]  # fmt: skip


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="It is about PostgreSQL's plans.")
def test_what_is_done_is_not_read_through_to_count_what_is_not() -> None:
    """Without these indexes nothing of the kind could be planned. New tables have no statistics,
    which decide otherwise once the server has looked at empty ones."""
    plans: list[str] = []

    def explained(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        with connection.connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}", params)
            plans.extend(row[0] for row in cursor.fetchall())
        return execute(sql, params, many, context)

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE recovery_merchant CASCADE")
        cursor.execute("SET LOCAL enable_seqscan = off")
    with connection.execute_wrapper(explained):
        read()

    told = "\n".join(plans)
    assert [index for index in PARTIAL if not re.search(index, told)] == []
