"""A mail, a close and another worker at the same time."""

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings as SettingsWrapper

from dunning import delivery, runs
from dunning.models import DunningMessage, DunningRun
from dunning.tasks import deliver_queued, work_due_steps
from tests.builders import make_merchant
from tests.dunning.facts import close, fail, queue
from tests.dunning.mail_servers import listening
from tests.threads import WAITS, at_once, in_thread

pytestmark = pytest.mark.django_db(transaction=True)
SOON = 0.5  # seconds; long enough to get as far as the lock


@pytest.fixture
def message() -> DunningMessage:
    make_merchant()
    return queue(fail(), now=timezone.now())


def test_a_mail_waits_for_a_close_that_is_under_way_and_then_stays(
    message: DunningMessage,
) -> None:
    with transaction.atomic():
        close(message.case, now=timezone.now())
        sending = in_thread(lambda: delivery.deliver(message.pk, now=timezone.now()))
        sending.join(SOON)
        assert sending.is_alive()
        assert mail.outbox == []
    sending.join(WAITS)

    message.refresh_from_db()
    assert (message.state, message.error) == ("skipped", "the case is recovered")
    assert mail.outbox == []


def test_a_mail_waits_for_a_close_that_is_taken_back_and_then_goes(
    message: DunningMessage,
) -> None:
    with transaction.atomic():
        close(message.case, now=timezone.now())
        sending = in_thread(lambda: delivery.deliver(message.pk, now=timezone.now()))
        sending.join(SOON)
        assert sending.is_alive()
        transaction.set_rollback(True)
    sending.join(WAITS)

    message.refresh_from_db()
    assert (message.state, len(mail.outbox)) == ("sent", 1)


def test_a_mail_that_the_mail_server_has_holds_up_no_close_and_is_the_last_one(
    message: DunningMessage, settings: SettingsWrapper
) -> None:
    with listening(settings) as server:
        server.may_answer.clear()
        sending = in_thread(lambda: delivery.deliver(message.pk, now=timezone.now()))
        assert server.has_mail.wait(WAITS)
        close(message.case, now=timezone.now())
        assert sending.is_alive()
        deliver_queued()
        server.may_answer.set()
        sending.join(WAITS)
        deliver_queued()
        work_due_steps()
        assert len(server.mails) == 1

    message.refresh_from_db()
    case = message.case
    assert message.claimed_at
    assert case.closed_at
    assert (message.state, case.status) == ("sent", "recovered")
    assert message.claimed_at < case.closed_at


def test_a_mail_and_a_close_at_once_agree_on_what_happened(message: DunningMessage) -> None:
    for number in range(6):
        case = fail(email=f"{number}@example.com")
        one = queue(case, now=timezone.now())
        at_once(
            lambda one=one: delivery.deliver(one.pk, now=timezone.now()),  # type: ignore[misc]
            lambda case=case: close(case, now=timezone.now()),  # type: ignore[misc]
        )
        one.refresh_from_db()
        sent = [sent for sent in mail.outbox if sent.to == [f"{number}@example.com"]]
        assert (one.state, len(sent)) in {("sent", 1), ("skipped", 0)}


def test_two_workers_send_one_mail(message: DunningMessage) -> None:
    at_once(*[lambda: delivery.deliver(message.pk, now=timezone.now())] * 3)

    message.refresh_from_db()
    assert (message.state, message.tries) == ("sent", 1)
    assert len(mail.outbox) == 1
    assert message.case.timeline.filter(kind="message_sent").count() == 1


def test_a_run_that_another_worker_is_ending_is_ended_once(message: DunningMessage) -> None:
    case, now = message.case, timezone.now()
    close(case, now=now)
    with transaction.atomic():
        run = DunningRun.objects.select_for_update().get()
        stopping = in_thread(lambda: runs.stop_for_closed_cases(now=now))
        stopping.join(SOON)
        assert stopping.is_alive()
        runs.end(run, state=DunningRun.State.STOPPED, reason="another worker's", now=now)
    stopping.join(WAITS)

    assert DunningRun.objects.get().reason == "another worker's"
    assert case.timeline.filter(kind="dunning_ended").count() == 1


def test_two_workers_take_one_step(message: DunningMessage) -> None:
    case, now = fail("expired_card", email="kim@example.com"), timezone.now()
    runs.start(case, now=now)
    at_once(*[lambda: runs.take_due_steps(now=now)] * 2)
    assert DunningMessage.objects.filter(case=case).count() == 1
