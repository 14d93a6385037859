"""How the work stands, over all merchants: from the rows, which every web process sees alike.

Each question is answered from a partial index of what is open, so that the figures cost the same
however much has been done. No merchant, customer or address is in a label.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Count, DateTimeField, F, Min, QuerySet, Sum, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from dunning import retries, runs
from dunning.models import DunningMessage
from recover_project.back_office.models import InvariantCheck
from recover_project.probes.exposition import Gauge, Labels
from recovery import cases, heartbeats, reconciliation
from recovery.models import (
    Coverage,
    OperatorTask,
    PaymentAttempt,
    Reconciliation,
    RecoveryCase,
    StripeEvent,
    WebhookDelivery,
    WebhookRegistration,
)

# Where a row's mode stands: on itself, on its case, on the merchant's connection. A merchant's is
# unknown until a key or a live event tells.
OWN, OF_CASE, OF_MERCHANT = F("livemode"), F("case__livemode"), F("merchant__stripe__livemode")
OF_EITHER = Coalesce(OF_CASE, OF_MERCHANT)
MODES = {True: "true", False: "false", None: "unknown"}
A_DAY = timedelta(days=1)
IN_MAIL = ("queued", "sending", "unknown")


class Counted(NamedTuple):
    number: int
    since: datetime | None  # the oldest of them, where it was asked for


ByMode = Mapping[str, Counted]


def read(*, now: datetime) -> Iterator[Gauge]:
    """Every figure, in the order in which money moves."""
    yield from _inbox(now)
    yield from _reconciliation(now)
    here = RecoveryCase.objects.filter(cases.here(), status="open")
    yield _number(
        "recover_cases_open",
        "Cases that are being recovered; without those that rest, of another account or mode.",
        _count(here, OWN),
    )  # fmt: skip
    yield from _dunning(now)
    yield from _messages(now)
    yield from _attempts(now)
    yield from _deliveries(now)
    tasks = OperatorTask.objects.filter(done_at__isnull=True)
    yield _number("recover_tasks_open", "What waits for a person.", _count(tasks, OF_EITHER))
    yield from _invariants(now)
    yield _heartbeat(now)


def _inbox(now: datetime) -> Iterator[Gauge]:
    counted = {
        state: _count(StripeEvent.objects.filter(state=state), OF_MERCHANT, since="received_at")
        for state in ("pending", "failed")
    }
    yield _states(
        "recover_inbox_events", "Stripe's events that wait (pending) or were given up (failed).",
        counted,
    )  # fmt: skip
    yield _age(
        "recover_inbox_oldest_event_age_seconds", "Age of the oldest event that waits; 0: none.",
        counted["pending"], now=now,
    )  # fmt: skip


def _reconciliation(now: datetime) -> Iterator[Gauge]:
    covered = Coverage.objects.filter(merchant__stripe__in=reconciliation.connected())
    yield _age(
        "recover_reconciliation_age_seconds",
        "Until how long ago all events of every merchant are surely here; 0: none is connected.",
        _count(covered, OF_MERCHANT, since="covered_until"), now=now,
    )  # fmt: skip
    found = Reconciliation.objects.filter(events_missed__gt=0, began_at__gte=now - A_DAY)
    yield _number(
        "recover_events_missed", "Events that Stripe didn't deliver, found within a day.",
        _count(found, OF_MERCHANT, number=Sum("events_missed")),
    )  # fmt: skip


def _dunning(now: datetime) -> Iterator[Gauge]:
    steps = _count(runs.due(now=now), OF_CASE, since="due_at")
    yield _number("recover_runs_due", "Dunning runs whose next step is due.", steps)
    yield _age(
        "recover_runs_lag_seconds", "How long the most overdue step has been due; 0: none is.",
        steps, now=now,
    )  # fmt: skip
    charges = _count(retries.waiting(now=now), OF_CASE, since="due_at")
    yield _number("recover_retries_due", "Charges that are due.", charges)
    yield _age(
        "recover_retries_lag_seconds", "How long the most overdue charge has been due; 0: none.",
        charges, now=now,
    )  # fmt: skip


def _messages(now: datetime) -> Iterator[Gauge]:
    messages = DunningMessage.objects.all()
    yield _states(
        "recover_messages", "Mails to customers: queued, being sent, or unknown, for a person.",
        {state: _count(messages.filter(state=state), OF_CASE) for state in IN_MAIL},
    )  # fmt: skip
    queued = messages.filter(state="queued")
    yield _age(
        "recover_messages_lag_seconds", "How long the most overdue mail has been due; 0: none is.",
        _count(queued.filter(due_at__lte=now), OF_CASE, since="due_at"), now=now,
    )  # fmt: skip
    yield _age(
        "recover_messages_refused_age_seconds",
        "How long the mail server has refused a mail for now that is still to go; 0: none.",
        _count(queued.filter(refused_since__isnull=False), OF_CASE, since="refused_since"),
        now=now,
    )  # fmt: skip


def _attempts(now: datetime) -> Iterator[Gauge]:
    claimed = PaymentAttempt.objects.filter(state="claimed", resolved_at__isnull=True)
    unresolved = _count(claimed, OF_CASE, since="attempted_at")
    yield _number(
        "recover_attempts_unresolved", "Charges of which nobody knows yet how they ended.",
        unresolved,
    )  # fmt: skip
    yield _age(
        "recover_attempts_oldest_unresolved_age_seconds", "Age of the oldest of those; 0: none.",
        unresolved, now=now,
    )  # fmt: skip


def _deliveries(now: datetime) -> Iterator[Gauge]:
    pending = WebhookDelivery.objects.filter(state="pending")
    due = pending.filter(due_at__lte=now, registration__state="active")
    states = {
        "due": due,
        "waiting": pending.filter(due_at__gt=now),
        "given_up": WebhookDelivery.objects.filter(state="given_up"),
    }
    yield _states(
        "recover_deliveries",
        "Webhooks to merchants' own systems: due, waiting to be tried again, or given up.",
        {state: _count(rows, OF_EITHER) for state, rows in states.items()},
    )  # fmt: skip
    working = due.filter(registration__failing_since__isnull=True)
    yield _age(
        "recover_deliveries_lag_seconds",
        "How long the most overdue webhook to an endpoint that works has been due; 0: none is.",
        _count(working, OF_EITHER, since="due_at"), now=now,
    )  # fmt: skip
    disabled = WebhookRegistration.objects.filter(state="disabled")
    yield _number(
        "recover_endpoints_disabled", "Merchants' endpoints that are off because they failed.",
        _count(disabled.exclude(disabled_reason="by_merchant"), OF_MERCHANT),
    )  # fmt: skip


def _invariants(now: datetime) -> Iterator[Gauge]:
    looks = _count(
        InvariantCheck.objects.all(), OF_MERCHANT, since="checked_at", number=Sum("broken_rows")
    )
    yield _number(
        "recover_invariants_broken", "Rows that break what must always hold, when last looked.",
        looks,
    )  # fmt: skip
    yield _age(
        "recover_invariants_age_seconds",
        "How long ago the merchant was looked at whose look is the oldest; 0: none was.",
        looks, now=now,
    )  # fmt: skip


def _heartbeat(now: datetime) -> Gauge:
    beat = heartbeats.last_beat()
    return Gauge(
        "recover_worker_heartbeat_age_seconds",
        "Since when no worker has done what the timetable gave it; absent: none ever did.",
        {} if beat is None else {(): _seconds(beat, now)},
    )


def _count(
    rows: QuerySet[Any], mode: Combinable, *, since: str | None = None, number: Any = None
) -> ByMode:
    """How many there are in each mode, or another `number`, and since when; live and test are
    always named."""
    oldest = Min(since) if since else Value(None, output_field=DateTimeField())
    # Not of a column: an index that has the mode then answers alone.
    found = rows.order_by().values_list(mode).annotate(number=number or Count("*"), oldest=oldest)
    counted = {MODES[key]: Counted(number, first) for key, number, first in found}
    return {mode: Counted(0, None) for mode in ("true", "false")} | counted


def _number(name: str, told: str, counted: ByMode) -> Gauge:
    return Gauge(name, told, {_mode(mode): each.number for mode, each in counted.items()})


def _states(name: str, told: str, by_state: Mapping[str, ByMode]) -> Gauge:
    return Gauge(
        name, told,
        {
            (*_mode(mode), ("state", state)): each.number
            for state, counted in by_state.items()
            for mode, each in counted.items()
        },
    )  # fmt: skip


def _age(name: str, told: str, counted: ByMode, *, now: datetime) -> Gauge:
    return Gauge(
        name, told,
        {
            _mode(mode): 0 if each.since is None else _seconds(each.since, now)
            for mode, each in counted.items()
        },
    )  # fmt: skip


def _mode(mode: str) -> Labels:
    return (("livemode", mode),)


def _seconds(since: datetime, now: datetime) -> float:
    return max(0.0, round((now - since).total_seconds(), 1))
