"""What workers do for dunning. Beat only ticks; the rows say what is to be done."""

from collections.abc import Sequence
from functools import partial

from celery import shared_task

from dunning import instructions, retention, retries, runs
from dunning.mail import delivery, handover, replacements
from recovery import clock, turns
from recovery.batches import apart, sets
from recovery.retention import FORGETTING, in_turn
from recovery.turns import Queue

HEARD_WITHIN = 600  # seconds


@shared_task(name="dunning.start_runs")
def start_runs(*, after_id: int = 0, **_: object) -> None:
    waiting = runs.cases_to_start(now=clock.now(), after_id=after_id)
    for case in turns.in_order(start_runs, waiting):
        with apart(f"Case {case.public_id}", **case.log_ids):
            runs.start(case, now=clock.now())


@shared_task(name="dunning.work_due_steps")
def work_due_steps(**_: object) -> None:
    runs.stop_for_closed_cases(now=clock.now())
    for _go in turns.turn(work_due_steps):
        now = clock.now()
        for some in sets(runs.take_due_steps(now=now), size=delivery.TOGETHER):
            _poke(some, queue=Queue.MAILS)
        if not runs.due(now=now).exists():
            return


@shared_task(name="dunning.tell_stripe")
def tell_stripe(**_: object) -> None:
    for _batch in turns.turn(tell_stripe):
        claimed = runs.claim_to_tell_stripe(now=clock.now())
        if not claimed:
            return
        for run in claimed:
            with apart(f"Run {run.pk}", **run.case.log_ids):
                instructions.give(run, now=clock.now())


@shared_task(name="dunning.charge_due_retries")
def charge_due_retries(**_: object) -> None:
    for retry_id in turns.taken(charge_due_retries, retries.due(now=clock.now())):
        with apart(f"Retry {retry_id}"):
            retries.work(retry_id, now=clock.now())


@shared_task(name="dunning.replace_links")
def replace_links(**_: object) -> None:
    for some in sets(replacements.queue(now=clock.now()), size=delivery.TOGETHER):
        _poke(some, queue=Queue.DUE)  # somebody waits for them


def _poke(message_ids: Sequence[int], *, queue: Queue) -> None:
    turns.poke(deliver, queue=queue, expires=HEARD_WITHIN, message_ids=message_ids)


@shared_task(name="dunning.deliver")
def deliver(*, message_ids: Sequence[int] = (), **_: object) -> None:
    """What a version before this one asked for names one message, and is left to the sweep."""
    delivery.deliver_all(message_ids, now=clock.now)


@shared_task(name="dunning.deliver_queued")
def deliver_queued(**_: object) -> None:
    with handover.lines() as lines:
        queued = sets(delivery.queued(now=clock.now()), size=delivery.TOGETHER)
        for some in turns.taken(deliver_queued, queued):
            delivery.deliver_all(some, through=lines, now=clock.now)


@shared_task(name="dunning.set_aside_unknown")
def set_aside_unknown(**_: object) -> None:
    delivery.set_aside_unknown(now=clock.now())


@shared_task(name="dunning.forget_contents")
def forget_contents(**_: object) -> None:
    now = clock.now()
    in_turn(
        retention.forgetful(), partial(retention.forget_contents, now=now),
        size=retention.BATCH, until=now + FORGETTING,
    )  # fmt: skip
