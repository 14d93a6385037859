"""What must always hold of a merchant's rows, asked as questions that find what breaks it.

Source: the invariants of the architecture (docs/adr/0003-rows-are-the-truth.md and others); each
is also held by a constraint or by the code that writes. What is found here got past those.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from dunning.models import DunningMessage, DunningRun
from recovery import cases, reconciliation
from recovery.mechanisms import AttemptTrigger
from recovery.metrics import tallying
from recovery.models import (
    Merchant,
    OperatorTask,
    PaymentAttempt,
    RecoveryCase,
    StripeEvent,
    TimelineEntry,
)
from recovery.state_machine import Status

SECONDS_TO_SILENCE = timedelta(minutes=2)  # from a close until nobody is written to any more
LOOKED_BACK = timedelta(days=7)
LATE = timedelta(minutes=15)
UNCOMPARED = timedelta(hours=3)  # it is done hourly

Rows = QuerySet[Any]


@dataclass(frozen=True, slots=True)
class Invariant:
    """`broken_by` finds the rows of a merchant that break what `says` claims, or their number."""

    says: str
    broken_by: Callable[[Merchant, datetime], Rows | int]


@dataclass(frozen=True, slots=True)
class Finding:
    says: str
    broken: int


def _live_runs_of_closed_cases(merchant: Merchant, now: datetime) -> Rows:
    live = DunningRun.objects.of(merchant).filter(state=DunningRun.State.LIVE)
    return live.exclude(case__status=Status.OPEN).filter(
        case__closed_at__lt=now - SECONDS_TO_SILENCE
    )


def _several_live_runs(merchant: Merchant, _now: datetime) -> Rows:
    live = DunningRun.objects.of(merchant).filter(state=DunningRun.State.LIVE)
    return live.order_by().values("case").annotate(runs=Count("*")).filter(runs__gt=1)


def _written_after_the_money(merchant: Merchant, now: datetime) -> Rows:
    sent = DunningMessage.objects.of(merchant).filter(sent_at__gte=now - LOOKED_BACK)
    paid = sent.filter(case__status=Status.RECOVERED, asked_for_by="", run__isnull=False)
    return paid.filter(sent_at__gt=F("case__closed_at") + SECONDS_TO_SILENCE)


def _charged_after_the_money(merchant: Merchant, now: datetime) -> Rows:
    ours = PaymentAttempt.objects.of(merchant).filter(
        attempted_at__gte=now - LOOKED_BACK,
        trigger__in=[AttemptTrigger.RECOVER, AttemptTrigger.OPERATOR],
    )
    return ours.filter(
        case__status=Status.RECOVERED,
        attempted_at__gt=F("case__closed_at") + SECONDS_TO_SILENCE,
    )


def _other_currencies(merchant: Merchant, _now: datetime) -> Rows:
    attempts = PaymentAttempt.objects.of(merchant).filter(resolved_at__isnull=True)
    return attempts.exclude(currency=F("case__currency"))


def _strangers(merchant: Merchant, _now: datetime) -> Rows:
    tasks = OperatorTask.objects.of(merchant).filter(done_at=None, case__isnull=False)
    return tasks.exclude(case__merchant=merchant)


def _recovered_without_money(merchant: Merchant, now: datetime) -> Rows:
    recovered = RecoveryCase.objects.of(merchant).filter(
        status=Status.RECOVERED, closed_at__gte=now - LOOKED_BACK
    )
    return recovered.filter(Q(amount_recovered=0) | Q(mechanism=""))


def _untold(merchant: Merchant, now: datetime) -> Rows:
    opened = RecoveryCase.objects.of(merchant).filter(opened_at__gte=now - LOOKED_BACK)
    return opened.exclude(pk__in=TimelineEntry.objects.filter(case__in=opened).values("case"))


def _late_events(merchant: Merchant, now: datetime) -> Rows:
    waiting = StripeEvent.objects.of(merchant).filter(state=StripeEvent.State.PENDING, tries=0)
    return waiting.filter(received_at__lt=now - LATE)


def _late_steps(merchant: Merchant, now: datetime) -> Rows:
    live = DunningRun.objects.of(merchant).filter(state=DunningRun.State.LIVE)
    working = live.filter(cases.here("case__"), case__is_paused=False)
    return working.filter(due_at__lt=now - LATE)


def _half_sent(merchant: Merchant, now: datetime) -> Rows:
    sending = DunningMessage.objects.of(merchant).filter(state=DunningMessage.State.SENDING)
    return sending.filter(claimed_at__lt=now - LATE)


def _miscounted(merchant: Merchant, now: datetime) -> int:
    since = (now - LOOKED_BACK).astimezone(merchant.zone).date()
    return tallying.miscounted(merchant, since=since)


def _uncompared(merchant: Merchant, now: datetime) -> Rows:
    since = now - UNCOMPARED
    connected = reconciliation.connected().filter(merchant=merchant, connected_at__lt=since)
    return connected.exclude(merchant__coverage__covered_until__gte=since)


INVARIANTS = (
    Invariant("A case has at most one live run of a campaign.", _several_live_runs),
    Invariant("Nobody is dunned for a case that is closed.", _live_runs_of_closed_cases),
    Invariant("Nobody was written to after the money had come.", _written_after_the_money),
    Invariant("Nothing was charged after the money had come.", _charged_after_the_money),
    Invariant("A charge is in its case's own currency.", _other_currencies),
    Invariant("What is recovered says how much came, and how.", _recovered_without_money),
    Invariant("Every case has its story.", _untold),
    Invariant("Figures count each case once, as it is.", _miscounted),
    Invariant("A merchant's tasks are about its own cases.", _strangers),
    Invariant("Events are processed within a quarter of an hour.", _late_events),
    Invariant("Steps are taken within a quarter of an hour.", _late_steps),
    Invariant("A mail is sent, or set aside, within a quarter of an hour.", _half_sent),
    Invariant("What Stripe has is compared with what is here, every few hours.", _uncompared),
)


def check(merchant: Merchant, *, now: datetime) -> Iterator[Finding]:
    """Each with how many rows break it; one question each."""
    for invariant in INVARIANTS:
        found = invariant.broken_by(merchant, now)
        yield Finding(invariant.says, found if isinstance(found, int) else found.count())
