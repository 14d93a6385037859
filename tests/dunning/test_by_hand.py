"""What operators decide through the API is heeded by dunning within seconds."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from dunning.models import DunningRun
from dunning.tasks import deliver_queued, start_runs, work_due_steps
from recovery.models import RecoveryCase
from tests.builders import EXPIRED_CARD, make_merchant, receive
from tests.recovery.api.asking import post

pytestmark = pytest.mark.django_db


@pytest.fixture
def debt() -> RecoveryCase:
    make_merchant()
    receive(EXPIRED_CARD)
    return RecoveryCase.objects.get()


def do(debt: RecoveryCase, verb: str) -> None:
    answer = post(debt.merchant, f"events/{debt.public_id}/{verb}")
    assert (answer.status_code, answer.json()["is_changed"]) == (200, True)


def tick() -> None:
    """What beat asks for every few seconds."""
    start_runs()
    work_due_steps()
    deliver_queued()


def test_a_case_that_is_given_up_ends_its_run_at_the_next_tick(debt: RecoveryCase) -> None:
    tick()
    run = DunningRun.objects.get()
    assert run.state == "live"
    assert run.due_at
    assert run.due_at > timezone.now() + timedelta(hours=1)  # the next step is far away
    written = len(mail.outbox)

    do(debt, "close")
    tick()

    run.refresh_from_db()
    assert (run.state, run.reason) == ("stopped", "the case is lost")
    assert len(mail.outbox) == written


def test_a_case_that_is_given_up_while_it_is_paused_ends_its_run_too(debt: RecoveryCase) -> None:
    tick()
    do(debt, "pause")
    do(debt, "close")
    tick()

    assert DunningRun.objects.get().state == "stopped"


def test_a_paused_case_is_left_alone_until_it_is_resumed(debt: RecoveryCase) -> None:
    do(debt, "pause")
    tick()
    assert (DunningRun.objects.count(), len(mail.outbox)) == (0, 0)

    do(debt, "resume")
    tick()

    assert (DunningRun.objects.get().state, len(mail.outbox)) == ("live", 1)


def test_mail_that_is_queued_when_the_case_is_paused_waits(debt: RecoveryCase) -> None:
    start_runs()
    work_due_steps()
    do(debt, "pause")
    deliver_queued()

    assert mail.outbox == []
