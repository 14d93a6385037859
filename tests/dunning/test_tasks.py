"""Tasks only look at the rows, so a message that is lost, late or strange costs nothing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from kombu.exceptions import OperationalError

from dunning import tasks
from dunning.mail import delivery
from dunning.models import DunningMessage, DunningRun
from recovery.models import RecoveryCase
from tests.builders import make_merchant
from tests.dunning.facts import close, fail, queue

pytestmark = pytest.mark.django_db
TICKS: list[Callable[..., None]] = [
    tasks.start_runs, tasks.work_due_steps, tasks.replace_links, tasks.deliver_queued,
    tasks.set_aside_unknown,
]  # fmt: skip


@pytest.fixture
def case() -> RecoveryCase:
    make_merchant()
    return fail("expired_card")


def test_ticks_write_to_the_customer_and_do_it_once(case: RecoveryCase) -> None:
    for _again in range(3):
        for tick in TICKS:
            tick()
    assert [message.to for message in mail.outbox] == [["jo@example.com"]]


def test_a_tick_with_words_of_a_later_version_is_worked(case: RecoveryCase) -> None:
    for tick in TICKS:
        tick(said_by="a later version")
    message = DunningMessage.objects.get()
    tasks.deliver(message_id=message.pk, said_by="a later version")
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("error", [OperationalError, ConnectionRefusedError])
def test_a_broker_that_takes_nothing_delays_no_mail_past_the_next_sweep(
    case: RecoveryCase, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def refuse(**_: Any) -> None:
        raise error

    monkeypatch.setattr(tasks.deliver, "apply_async", refuse)
    tasks.start_runs()
    tasks.work_due_steps()
    assert mail.outbox == []
    tasks.deliver_queued()
    assert len(mail.outbox) == 1


def test_one_tick_after_a_close_the_run_has_stopped_and_its_mail_stays(
    case: RecoveryCase,
) -> None:
    queue(case, now=timezone.now())
    close(case, now=timezone.now())
    tasks.work_due_steps()
    tasks.deliver_queued()

    assert DunningRun.objects.get().state == "stopped"
    assert DunningMessage.objects.get().state == "skipped"
    assert mail.outbox == []


def test_a_message_that_is_set_aside_is_told_of(case: RecoveryCase) -> None:
    message = queue(case, now=timezone.now())
    message.state = DunningMessage.State.SENDING
    message.claimed_at = timezone.now() - delivery.CLAIM - timedelta(seconds=1)
    message.save()
    for _again in range(2):
        tasks.set_aside_unknown()

    message.refresh_from_db()
    assert str(message) == f"{message.public_id} (unknown)"
    assert message.error == "The worker died while sending. It may have been sent or not."
    assert case.timeline.filter(kind="message_not_sent").count() == 1
