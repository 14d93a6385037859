"""Due steps are taken, and queued messages sent, as the benchmarks do it, with few rows."""

import pytest
from django.core import mail
from django.utils import timezone

from benchmarks import mails, open_cases, tick
from dunning.models import DunningMessage, DunningRun
from recovery.models import OperatorTask, TimelineEntry
from tests.benchmarks.tables import postgresql

pytestmark = [pytest.mark.django_db, postgresql]


def test_of_ten_steps_that_are_due_eight_are_mails_one_is_a_task_and_one_is_skipped() -> None:
    open_cases.fill(cases=30, due=10, now=timezone.now())

    assert tick.take(10) > 0

    assert DunningMessage.objects.filter(state="queued").count() == 8
    assert OperatorTask.objects.get().kind == "campaign_step"
    assert TimelineEntry.objects.filter(kind="step_skipped").count() == 1
    assert DunningRun.objects.filter(due_at__gt=timezone.now()).count() == 30


def test_fewer_steps_than_were_asked_for_are_no_measure() -> None:
    open_cases.fill(cases=30, due=10, now=timezone.now())

    with pytest.raises(RuntimeError, match="Of 11 steps that were due 10 were taken"):
        tick.take(11)


def test_each_queued_message_is_one_mail() -> None:
    open_cases.fill(cases=4, due=4, now=timezone.now())

    assert mails.deliver(3) > 0
    assert len({sent.to[0] for sent in mail.outbox}) == 3
    assert mails.deliver(1) > 0
    assert len({sent.to[0] for sent in mail.outbox}) == 4


def test_what_smtplib_sends_is_such_a_mail() -> None:
    open_cases.fill(cases=1, due=1, now=timezone.now())
    mails.deliver(1)

    [sent] = mail.outbox
    built = open_cases.mail()
    assert (built.subject, built.to) == (sent.subject, sent.to)
    assert abs(len(built.message().as_bytes()) - len(sent.message().as_bytes())) < 1_000
