"""What workers do for dunning. Beat only ticks; the rows say what is to be done."""

import contextlib
import logging

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from dunning import delivery, instructions, replacements, retries, runs

logger = logging.getLogger(__name__)

logger = logging.getLogger(__name__)


@shared_task(name="dunning.start_runs")
def start_runs(**_: object) -> None:
    now = timezone.now()
    for case in runs.cases_to_start(now=now):
        runs.start(case, now=now)


@shared_task(name="dunning.work_due_steps")
def work_due_steps(**_: object) -> None:
    now = timezone.now()
    runs.stop_for_closed_cases(now=now)
    for message_id in runs.take_due_steps(now=now):
        _poke(message_id)


@shared_task(name="dunning.tell_stripe")
def tell_stripe(**_: object) -> None:
    for run in runs.claim_to_tell_stripe(now=timezone.now()):
        try:
            instructions.give(run, now=timezone.now())
        except Exception:
            logger.exception("Stripe could not be told of run %s; the others go on.", run.pk)


@shared_task(name="dunning.charge_due_retries")
def charge_due_retries(**_: object) -> None:
    for retry_id in retries.due(now=timezone.now()):
        try:
            retries.work(retry_id, now=timezone.now())
        except Exception:
            logger.exception("Retry %s could not be worked; the others go on.", retry_id)


@shared_task(name="dunning.replace_links")
def replace_links(**_: object) -> None:
    for message_id in replacements.queue(now=timezone.now()):
        _poke(message_id)


def _poke(message_id: int) -> None:
    with contextlib.suppress(OperationalError, OSError):  # the sweep delivers it
        deliver.apply_async(kwargs={"message_id": message_id}, expires=600)


@shared_task(name="dunning.deliver")
def deliver(*, message_id: int, **_: object) -> None:
    delivery.deliver(message_id, now=timezone.now())


@shared_task(name="dunning.deliver_queued")
def deliver_queued(**_: object) -> None:
    for message_id in delivery.queued(now=timezone.now()):
        try:
            delivery.deliver(message_id, now=timezone.now())
        except Exception:
            logger.exception("Message %s could not be delivered; the others go on.", message_id)


@shared_task(name="dunning.set_aside_unknown")
def set_aside_unknown(**_: object) -> None:
    delivery.set_aside_unknown(now=timezone.now())
