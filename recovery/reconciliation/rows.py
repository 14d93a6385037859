"""The one writer of what was reconciled: who is due, how far it is, how it ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet

from recovery.backoff import pause
from recovery.models import Coverage, Merchant, Reconciliation, StripeConnection
from recovery.reconciliation import times

State = Reconciliation.State
LEASE = timedelta(minutes=10)  # a worker that takes longer is dead
FIRST_PAUSE = timedelta(minutes=1)
LISTED_FOR = timedelta(days=90)
MOST_NAMED = 20  # ids that a run keeps of what it found
CUT_OFF = "It was cut off: the worker ended, or something went wrong that is in its log."


class NotConnectedAnyMoreError(Exception):
    """The merchant's Stripe isn't connected: there is nothing to compare with."""


class OvertakenError(Exception):
    """The run was taken for dead, or the merchant was disconnected: what it finds is too late."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`is_complete`: nothing is left for the next run to go on with. `is_unavailable`: Stripe
    could not be asked, which may be over soon."""

    error: str = ""
    is_complete: bool = True
    is_unavailable: bool = False


def connected() -> QuerySet[StripeConnection]:
    """Those whose Stripe can be asked, as far as is known."""
    return StripeConnection.objects.filter(connected_at__isnull=False, disconnected_at=None)


# --- beginning --------------------------------------------------------------------------------


@transaction.atomic
def claim(*, now: datetime) -> Reconciliation | None:
    """Begin the run that has been due longest and that nobody else begins."""
    due = connected().filter(Q(merchant__coverage=None) | Q(merchant__coverage__due_at__lte=now))
    connection = (
        due.select_for_update(skip_locked=True, of=("self",))
        .select_related("merchant")
        .order_by(F("merchant__coverage__due_at").asc(nulls_first=True), "pk")
        .first()
    )
    if connection is None:
        return None
    coverage = _coverage(connection, now=now)
    # Whoever held the lock a moment ago may have begun it.
    return _begin(connection, coverage, now=now) if coverage.due_at <= now else None


@transaction.atomic
def begin(*, merchant: Merchant, by: str, now: datetime) -> Reconciliation | None:
    """Begin a run of the merchant, due or not; None while one is running. Raises
    NotConnectedAnyMoreError."""
    connection = connected().select_for_update().filter(merchant=merchant).first()
    if connection is None:
        raise NotConnectedAnyMoreError
    coverage = _coverage(connection, now=now)
    if coverage.due_at > now and _is_running(merchant):
        return None
    coverage.asked_by = by
    return _begin(connection, coverage, now=now)


def _coverage(connection: StripeConnection, *, now: datetime) -> Coverage:
    """The merchant's, locked; of another account than before, from its connection on."""
    account = f"{connection.account_id or 'unknown'}, live: {connection.livemode}"
    begins = {"account": account, "due_at": now, "covered_until": connection.connected_at}
    coverage, _created = Coverage.objects.select_for_update().get_or_create(
        merchant=connection.merchant, defaults=begins
    )
    # Of a list that was left so long ago Stripe keeps nothing: what it does keep is read anew.
    left_at, is_another = coverage.reading_until, coverage.account != account
    if is_another:
        coverage.account, coverage.covered_until = account, connection.connected_at or now
    if is_another or (left_at and left_at <= now - times.KEPT):
        coverage.reading_until, coverage.read_down_to = None, ""
    return coverage


def _begin(connection: StripeConnection, coverage: Coverage, *, now: datetime) -> Reconciliation:
    merchant = connection.merchant
    _cut_off(merchant, why=CUT_OFF, now=now)
    coverage.tries += 1
    coverage.due_at = now + max(LEASE, _pause(coverage.tries))
    asked_by, coverage.asked_by = coverage.asked_by, ""
    coverage.save()
    run = Reconciliation.objects.create(merchant=merchant, asked_by=asked_by, began_at=now)
    merchant.stripe, merchant.coverage = connection, coverage
    return run


def _is_running(merchant: Merchant) -> bool:
    return Reconciliation.objects.of(merchant).filter(state=State.RUNNING).exists()


def _cut_off(merchant: Merchant, *, why: str, now: datetime) -> None:
    running = Reconciliation.objects.of(merchant).filter(state=State.RUNNING)
    running.update(state=State.FAILED, ended_at=now, error=why)


def _pause(tries: int) -> timedelta:
    return pause(tries - 1, first=FIRST_PAUSE, longest=times.EVERY)


# --- going on ---------------------------------------------------------------------------------


def note(run: Reconciliation, **facts: Any) -> None:
    """Keep what was found so far. Raises OvertakenError."""
    running = Reconciliation.objects.filter(pk=run.pk, state=State.RUNNING)
    if not running.update(**facts):
        raise OvertakenError
    for name, value in facts.items():
        setattr(run, name, value)


@transaction.atomic
def note_page(run: Reconciliation, *, until: datetime, down_to: str, **facts: Any) -> None:
    """A page of a list was kept: whoever goes on with it begins behind the event `down_to`."""
    note(run, **facts)
    _move(run, reading_until=until, read_down_to=down_to)


@transaction.atomic
def is_covered(run: Reconciliation, *, until: datetime) -> None:
    """All that happened before `until` is in the inbox."""
    note(run, covered_until=until)
    _move(run, covered_until=until, reading_until=None, read_down_to="")


def _move(run: Reconciliation, **facts: Any) -> None:
    for name, value in facts.items():
        setattr(run.merchant.coverage, name, value)
    Coverage.objects.filter(pk=run.merchant.coverage.pk).update(**facts)


# --- ending -----------------------------------------------------------------------------------


@transaction.atomic
def end(run: Reconciliation, outcome: Outcome, *, now: datetime) -> None:
    """Says how it went, and when the next one is due: at once where something is left, soon where
    Stripe could not be asked, else in its turn. Raises OvertakenError."""
    state = State.FAILED if outcome.error else State.DONE
    note(run, state=state, ended_at=now, error=outcome.error)
    coverage = run.merchant.coverage
    if outcome.is_unavailable:
        due_at, tries = now + _pause(coverage.tries), coverage.tries
    else:
        tries = 0
        due_at = times.next_at(run.merchant_id, now=now) if outcome.is_complete else now
    Coverage.objects.filter(pk=coverage.pk).update(due_at=due_at, tries=tries)
    old = Reconciliation.objects.of(run.merchant).filter(began_at__lt=now - LISTED_FOR)
    old.delete()


@transaction.atomic
def forget(*, merchant: Merchant, now: datetime) -> None:
    """The merchant has left its Stripe account: what happens there is nobody's business here."""
    Coverage.objects.of(merchant).delete()
    _cut_off(merchant, why="Stripe was disconnected.", now=now)


# --- asking for it ----------------------------------------------------------------------------


@transaction.atomic
def ask_for(*, merchant: Merchant, by: str, after: int, now: datetime) -> bool:
    """Have a run begin now. False where one has begun since `after` was the last one's number (0
    where there was none), or is running: an impatient click is no second run."""
    coverage = Coverage.objects.select_for_update().filter(merchant=merchant).first()
    last = latest(merchant)
    if (last.pk if last else 0) != after or _is_running(merchant):
        return False
    if coverage and coverage.due_at > now:
        Coverage.objects.filter(pk=coverage.pk).update(due_at=now, asked_by=by)
    return True


def latest(merchant: Merchant) -> Reconciliation | None:
    return Reconciliation.objects.of(merchant).order_by("-id").first()


def next_due(merchant: Merchant) -> datetime | None:
    """None where it is due, or there is nothing to compare with."""
    return Coverage.objects.of(merchant).values_list("due_at", flat=True).first()
