"""What workers do for dunning. Beat only ticks; the rows say what is to be done."""

import contextlib

from celery import shared_task
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from dunning import instructions, retries, runs
from dunning.mail import delivery, replacements
from recovery.batches import apart


@shared_task(name="dunning.start_runs")
def start_runs(**_: object) -> None:
    now = timezone.now()
    for case in runs.cases_to_start(now=now):
        with apart(f"Case {case.public_id}"), transaction.atomic():
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
        with apart(f"Run {run.pk}"):
            instructions.give(run, now=timezone.now())


@shared_task(name="dunning.charge_due_retries")
def charge_due_retries(**_: object) -> None:
    for retry_id in retries.due(now=timezone.now()):
        with apart(f"Retry {retry_id}"):
            retries.work(retry_id, now=timezone.now())


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
        with apart(f"Message {message_id}"):
            delivery.deliver(message_id, now=timezone.now())


@shared_task(name="dunning.set_aside_unknown")
def set_aside_unknown(**_: object) -> None:
    delivery.set_aside_unknown(now=timezone.now())
