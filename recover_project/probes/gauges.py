"""How the work stands, over all merchants: from the rows, which every web process sees alike.

Each question is answered from a partial index of what is open, so that the figures cost the same
however much has been done. No merchant, customer or address is in a label.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Min, QuerySet

from dunning.models import DunningMessage, DunningRetry, DunningRun
from recover_project.probes.exposition import Gauge, Labels
from recovery import heartbeats
from recovery.models import (
    OperatorTask,
    PaymentAttempt,
    RecoveryCase,
    StripeEvent,
    WebhookDelivery,
    WebhookRegistration,
)

IN_MAIL = ("queued", "sending", "unknown")


def read(*, now: datetime) -> Iterator[Gauge]:
    """Every figure, in the order in which money moves."""
    events, cases = StripeEvent.objects.all(), RecoveryCase.objects.filter(status="open")
    waiting = events.filter(state="pending")
    yield _several(
        "recover_inbox_events", "Stripe's events that wait (pending) or were given up (failed).",
        state={"pending": waiting, "failed": events.filter(state="failed")},
    )  # fmt: skip
    yield _age(
        "recover_inbox_oldest_event_age_seconds", "Age of the oldest event that waits; 0: none.",
        waiting, since="received_at", now=now,
    )  # fmt: skip
    yield _several(
        "recover_cases_open", "Cases that are being recovered.",
        livemode={"true": cases.filter(livemode=True), "false": cases.filter(livemode=False)},
    )  # fmt: skip
    runs = DunningRun.objects.filter(state="live", due_at__lte=now)
    yield _one("recover_runs_due", "Dunning runs whose next step is due.", runs)
    yield _age(
        "recover_runs_lag_seconds", "How long the most overdue step has been due; 0: none is.",
        runs, since="due_at", now=now,
    )  # fmt: skip
    retries = DunningRetry.objects.filter(state="due", due_at__lte=now)
    yield _one("recover_retries_due", "Charges that are due.", retries)
    yield _several(
        "recover_messages", "Mails to customers: queued, being sent, or unknown, for a person.",
        state={state: DunningMessage.objects.filter(state=state) for state in IN_MAIL},
    )  # fmt: skip
    unresolved = PaymentAttempt.objects.filter(state="claimed", resolved_at__isnull=True)
    yield _one(
        "recover_attempts_unresolved", "Charges of which nobody knows yet how they ended.",
        unresolved,
    )  # fmt: skip
    yield _age(
        "recover_attempts_oldest_unresolved_age_seconds", "Age of the oldest of those; 0: none.",
        unresolved, since="attempted_at", now=now,
    )  # fmt: skip
    yield _one(
        "recover_deliveries_due", "Webhooks to merchants' own systems that are due.",
        WebhookDelivery.objects.filter(state="pending", due_at__lte=now),
    )  # fmt: skip
    yield _one(
        "recover_endpoints_disabled", "Merchants' endpoints that are off because they failed.",
        WebhookRegistration.objects.filter(state="disabled").exclude(
            disabled_reason="by_merchant"
        ),
    )  # fmt: skip
    yield _one(
        "recover_tasks_open", "What waits for a person.",
        OperatorTask.objects.filter(done_at__isnull=True),
    )  # fmt: skip
    yield _heartbeat(now)


def _one(name: str, told: str, rows: QuerySet[Any]) -> Gauge:
    return Gauge(name, told, {(): rows.count()})


def _several(name: str, told: str, **label: dict[str, QuerySet[Any]]) -> Gauge:
    """One question per value of the label, so that each is answered from its own partial index."""
    [(key, by_value)] = label.items()
    counted: dict[Labels, float] = {
        ((key, value),): rows.count() for value, rows in by_value.items()
    }
    return Gauge(name, told, counted)


def _age(name: str, told: str, rows: QuerySet[Any], *, since: str, now: datetime) -> Gauge:
    oldest = rows.aggregate(oldest=Min(since))["oldest"]
    return Gauge(name, told, {(): 0 if oldest is None else _seconds(oldest, now)})


def _heartbeat(now: datetime) -> Gauge:
    beat = heartbeats.last_beat()
    return Gauge(
        "recover_worker_heartbeat_age_seconds",
        "Since when no worker has done what the timetable gave it; absent: none ever did.",
        {} if beat is None else {(): _seconds(beat, now)},
    )


def _seconds(since: datetime, now: datetime) -> float:
    return max(0.0, round((now - since).total_seconds(), 1))
