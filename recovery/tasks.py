"""What workers do for recovery. A message is only a hint: the rows say what is to be done."""

import logging
from collections import deque
from datetime import timedelta

from celery import Task, shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from recovery import (
    cases,
    checkouts,
    credentials,
    enrichment,
    forgotten,
    heartbeats,
    idempotency,
    inbox,
    ingest,
    outbound,
    outbound_delivery,
    reconciliation,
    retention,
    superseding,
)
from recovery.batches import apart
from recovery.metrics import tallying
from recovery.models import Reconciliation, StripeEvent
from recovery.pokes import Poke
from recovery.reading import UnreadablePayloadError
from recovery.stripe_events import UnreadableEventError

logger = logging.getLogger(__name__)

MOST_BATCHES = 50  # then the next poke or sweep goes on
BETWEEN_POKES = 0.25  # seconds: a worker that heard one looks until there is nothing left
RECONCILING = timedelta(seconds=50)  # then the next sweep goes on
FORGETTING = timedelta(seconds=50)  # then the next hour goes on


def poke_inbox() -> None:
    """Say that there is something in the inbox; if nobody hears it, the sweep looks anyway."""
    _INBOX.soon()


def poke_reconciliation() -> None:
    """Say that somebody asked for a run."""
    _poke(reconcile, "begin it")


def _poke(task: Task[..., None], what: str) -> None:
    try:
        task.apply_async(expires=60)
    except (OperationalError, OSError):
        logger.warning("The broker takes no message; the sweep will %s.", what)


def _poke_inbox() -> None:
    _poke(process_inbox, "process the inbox")


_INBOX = Poke(_poke_inbox, pause=BETWEEN_POKES)


@shared_task(name="recovery.beat_heart")
def beat_heart(**_: object) -> None:
    heartbeats.beat(now=timezone.now())


@shared_task(name="recovery.process_inbox")
def process_inbox(**_: object) -> None:
    for _batch in range(MOST_BATCHES):
        batch = inbox.claim(now=timezone.now())
        for event in batch:
            if timezone.now() >= event.due_at:
                return  # the lease is over: another worker may have the rest by now
            process(event)
        if not batch:
            return


def process(event: StripeEvent) -> None:
    """One event; what goes wrong with it stays with it."""
    now = timezone.now()
    try:
        ingest.process(event, now=now)
    except (UnreadablePayloadError, UnreadableEventError) as error:
        inbox.failed(event, error=str(error), is_permanent=True, now=now)
        logger.warning("Event %s can't be processed: %s", event.stripe_event_id, error)
    except Exception as error:
        inbox.failed(event, error=f"{type(error).__name__}: {error}", is_permanent=False, now=now)
        logger.exception("Event %s failed and will be tried again.", event.stripe_event_id)
    else:
        inbox.processed(event, now=now)


@shared_task(name="recovery.enrich_cases")
def enrich_cases(**_: object) -> None:
    for case in cases.claim_to_enrich(now=timezone.now()):
        with apart(f"Case {case.public_id}"):
            enrichment.enrich(case, now=timezone.now())


@shared_task(name="recovery.resume_cases")
def resume_cases(**_: object) -> None:
    cases.resume_due(now=timezone.now())


@shared_task(name="recovery.look_up_charges")
def look_up_charges(**_: object) -> None:
    now = timezone.now()
    for attempt in forgotten.claim(now=now):
        with apart(f"Attempt {attempt.pk}"):
            forgotten.settle(attempt, now=timezone.now())
    forgotten.look_after_payments(now=now)


@shared_task(name="recovery.look_after_checkouts")
def look_after_checkouts(**_: object) -> None:
    for checkout in checkouts.claim_due(now=timezone.now()):
        with apart(f"Checkout {checkout.public_id}"):
            superseding.look_after(checkout, now=timezone.now())


@shared_task(name="recovery.tell_webhooks")
def tell_webhooks(**_: object) -> None:
    """Publish what happened and send what is due; endpoints that fail come last."""
    outbound_delivery.give_up_disabled(now=timezone.now())
    for _batch in range(MOST_BATCHES):
        published = outbound.publish(now=timezone.now())
        sent = outbound_delivery.deliver_due(now=timezone.now(), is_failing=False)
        if not published and not sent:
            break
    outbound_delivery.deliver_due(now=timezone.now(), is_failing=True)


@shared_task(name="recovery.keep_tallies")
def keep_tallies(**_: object) -> None:
    tallying.keep()


@shared_task(name="recovery.reconcile")
def reconcile(**_: object) -> None:
    """Compare with Stripe who is due, one merchant after the other."""
    end = timezone.now() + RECONCILING
    while timezone.now() < end:
        run = reconciliation.claim(now=timezone.now())
        if run is None:
            return
        with apart(f"Reconciliation {run.pk} of merchant {run.merchant.public_id}"):
            reconcile_now(run)


def reconcile_now(run: Reconciliation) -> None:
    """Carry out a run that was begun, to its end."""
    try:
        outcome = reconciliation.carry_out(run, now=timezone.now())
        reconciliation.end(run, outcome, now=timezone.now())
    except reconciliation.OvertakenError:
        logger.warning("Reconciliation %s is over already: what it found is kept.", run.pk)


@shared_task(name="recovery.forget_requests")
def forget_requests(**_: object) -> None:
    """Drop what was kept for clients that ask the same thing twice."""
    for _batch in range(MOST_BATCHES):
        if not idempotency.forget(now=timezone.now()):
            return


@shared_task(name="recovery.forget_ended_credentials")
def forget_ended_credentials(**_: object) -> None:
    credentials.forget_ended(now=timezone.now())


@shared_task(name="recovery.forget_payloads")
def forget_payloads(**_: object) -> None:
    """A batch of each merchant in turn: one with years to forget keeps nobody else waiting."""
    now = timezone.now()
    waiting = deque(retention.overdue(now=now))
    while waiting and timezone.now() < now + FORGETTING:
        merchant = waiting.popleft()
        with apart(f"Merchant {merchant.public_id}"):
            if retention.forget_payloads(merchant, now=now) == retention.BATCH:
                waiting.append(merchant)
