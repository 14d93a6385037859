"""What workers do for recovery. A message is only a hint: the rows say what is to be done."""

import logging
from collections.abc import Iterable
from datetime import timedelta
from functools import partial

from celery import shared_task

from recovery import (
    cases,
    checkouts,
    clock,
    credentials,
    customers,
    enrichment,
    erasure,
    forgotten,
    heartbeats,
    idempotency,
    inbox,
    ingest,
    log_context,
    outbound,
    outbound_delivery,
    reconciliation,
    retention,
    superseding,
    together,
    turns,
)
from recovery.batches import apart
from recovery.metrics import tallying
from recovery.models import Reconciliation, StripeEvent
from recovery.pokes import Poke
from recovery.reading import UnreadablePayloadError
from recovery.retention import FORGETTING
from recovery.stripe_events import UnreadableEventError
from recovery.turns import Queue

logger = logging.getLogger(__name__)

BETWEEN_POKES = 0.25  # seconds
RECONCILING = timedelta(seconds=50)  # then the next sweep goes on


def poke_inbox() -> None:
    """Say that there is something in the inbox; if nobody hears it, the sweep looks anyway."""
    _INBOX.soon()


def poke_reconciliation() -> None:
    """Say that somebody asked for a run."""
    turns.poke(reconcile, queue=Queue.DUE)


def _poke_inbox() -> None:
    turns.poke(process_inbox, queue=Queue.INBOX)


_INBOX = Poke(_poke_inbox, pause=BETWEEN_POKES)


@shared_task(name="recovery.beat_heart")
def beat_heart(**_: object) -> None:
    heartbeats.beat(now=clock.now())


@shared_task(name="recovery.process_inbox")
def process_inbox(**_: object) -> None:
    for _batch in turns.turn(process_inbox, queue=Queue.INBOX):
        batch = inbox.claim(now=clock.now())
        if not batch:
            return
        _tell_of(batch)
        with inbox.held(batch):
            for event in together.work(batch):
                if clock.now() >= event.due_at:
                    return  # the lease is over: another worker may have the rest by now
                process(event)


def _tell_of(batch: Iterable[StripeEvent]) -> None:
    """Here, since whoever acknowledges events by the thousand would spend a third of its time on
    that (benchmarks/RESULTS.md)."""
    for event in batch:
        with log_context.about(**event.log_ids, merchant=event.merchant.public_id):
            logger.info(
                "Event %s, which came in at %s, is taken up: %s.",
                event.stripe_event_id, f"{event.received_at:%Y-%m-%d %H:%M:%S %Z}", event.type,
            )  # fmt: skip


def process(event: StripeEvent) -> None:
    """One event; what goes wrong with it stays with it."""
    with log_context.about(**event.log_ids):
        _process(event)


def _process(event: StripeEvent) -> None:
    now = clock.now()
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
    for case in cases.claim_to_enrich(now=clock.now()):
        with apart(f"Case {case.public_id}", **case.log_ids):
            enrichment.enrich(case, now=clock.now())


@shared_task(name="recovery.resume_cases")
def resume_cases(**_: object) -> None:
    cases.resume_due(now=clock.now())


@shared_task(name="recovery.look_up_charges")
def look_up_charges(**_: object) -> None:
    now = clock.now()
    for attempt in forgotten.claim(now=now):
        with apart(f"Attempt {attempt.pk}", **attempt.case.log_ids):
            forgotten.settle(attempt, now=clock.now())
    forgotten.look_after_payments(now=now)


@shared_task(name="recovery.look_after_checkouts")
def look_after_checkouts(**_: object) -> None:
    for checkout in checkouts.claim_due(now=clock.now()):
        with apart(f"Checkout {checkout.public_id}", **checkout.case.log_ids):
            superseding.look_after(checkout, now=clock.now())


@shared_task(name="recovery.tell_webhooks")
def tell_webhooks(**_: object) -> None:
    """Publish what happened and send what is due; endpoints that fail come last."""
    outbound_delivery.give_up_disabled(now=clock.now())
    for _batch in turns.turn(tell_webhooks):
        published = outbound.publish(now=clock.now())
        sent = outbound_delivery.deliver_due(now=clock.now(), is_failing=False)
        if not published and not sent:
            break
    else:
        return  # nobody who can be reached waits for who can't
    outbound_delivery.deliver_due(now=clock.now(), is_failing=True)


@shared_task(name="recovery.keep_tallies")
def keep_tallies(**_: object) -> None:
    tallying.keep()


@shared_task(name="recovery.reconcile")
def reconcile(**_: object) -> None:
    """Compare with Stripe who is due, one merchant after the other."""
    end = clock.now() + RECONCILING
    while clock.now() < end:
        run = reconciliation.claim(now=clock.now())
        if run is None:
            return
        with apart(f"Reconciliation {run.pk} of merchant {run.merchant.public_id}"):
            reconcile_now(run)


def reconcile_now(run: Reconciliation) -> None:
    """Carry out a run that was begun, to its end."""
    try:
        outcome = reconciliation.carry_out(run, now=clock.now())
        reconciliation.end(run, outcome, now=clock.now())
    except reconciliation.OvertakenError:
        logger.warning("Reconciliation %s is over already: what it found is kept.", run.pk)


@shared_task(name="recovery.forget_requests")
def forget_requests(**_: object) -> None:
    """Drop what was kept for clients that ask the same thing twice."""
    for _batch in turns.turn(forget_requests):
        if not idempotency.forget(now=clock.now()):
            return


@shared_task(name="recovery.forget_ended_credentials")
def forget_ended_credentials(**_: object) -> None:
    credentials.forget_ended(now=clock.now())


@shared_task(name="recovery.forget_erased")
def forget_erased(**_: object) -> None:
    """What events said of people who were erased, wherever their payloads name them."""
    end = clock.now() + FORGETTING
    for customer in customers.to_look_for():
        with apart(f"Customer {customer.pk}"):
            erasure.look_through_events(customer, until=end, now=clock.now())


@shared_task(name="recovery.forget_payloads")
def forget_payloads(**_: object) -> None:
    now = clock.now()
    retention.in_turn(
        retention.overdue(now=now), partial(retention.forget_payloads, now=now),
        size=retention.BATCH, until=now + FORGETTING,
    )  # fmt: skip
