"""A mail, a close and another worker at the same time."""

import time
from typing import Any

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings as SettingsWrapper

from dunning import runs
from dunning.mail import bounces, claims, conversations, delivery, letters
from dunning.mail.bounce_rules import Verdict
from dunning.mail.bounces import Word
from dunning.models import DunningMessage, DunningRun
from dunning.tasks import deliver_queued, start_runs, work_due_steps
from dunning.wording.rendering import Rendered
from recovery import cases
from recovery.models import RecoveryCase
from tests.builders import make_merchant
from tests.dunning.facts import close, fail, queue
from tests.dunning.mail.sending import deliver_one
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
        sending = in_thread(lambda: deliver_one(message.pk, now=timezone.now()))
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
        sending = in_thread(lambda: deliver_one(message.pk, now=timezone.now()))
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
        sending = in_thread(lambda: deliver_one(message.pk, now=timezone.now()))
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
            lambda one=one: deliver_one(one.pk, now=timezone.now()),  # type: ignore[misc]
            lambda case=case: close(case, now=timezone.now()),  # type: ignore[misc]
        )
        one.refresh_from_db()
        sent = [sent for sent in mail.outbox if sent.to == [f"{number}@example.com"]]
        assert (one.state, len(sent)) in {("sent", 1), ("skipped", 0)}


def test_no_mail_goes_out_for_a_closed_case_in_many_rounds(
    message: DunningMessage, settings: SettingsWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The close races the claim from ever other distances; what is written is written while the
    case is held open."""
    owed = [fail(email=f"round{number}@example.com") for number in range(40)]
    messages = [queue(case, now=timezone.now()) for case in owed]
    written_while: list[str] = []
    write = letters.write

    def look_again(one: DunningMessage, content: Rendered, **to: str) -> Any:
        written_while.append(RecoveryCase.objects.get(pk=one.case_id).status)
        return write(one, content, **to)

    def close_soon(number: int) -> None:
        time.sleep(number % 8 / 400)
        close(owed[number], now=timezone.now())

    monkeypatch.setattr(letters, "write", look_again)
    with listening(settings) as server:
        for number, one in enumerate(messages):
            at_once(
                lambda one=one: deliver_one(one.pk, now=timezone.now()),  # type: ignore[misc]
                lambda number=number: close_soon(number),  # type: ignore[misc]
            )
        deliver_queued()
        written_to = [str(sent["To"]) for sent in server.mails]

    for number, one in enumerate(messages):
        one.refresh_from_db()
        sent = written_to.count(f"round{number}@example.com")
        assert (one.state, sent) in {("sent", 1), ("skipped", 0)}
    assert set(written_while) <= {"open"}
    assert len(written_while) == len(written_to)


def test_two_workers_for_two_debts_of_one_customer_send_one_mail(message: DunningMessage) -> None:
    for number in range(10):
        email = f"both{number}@example.com"
        pair = [fail(email=email), fail(email=email)]
        now = timezone.now()
        messages = [queue(case, now=now) for case in pair]
        at_once(*[lambda one=one: deliver_one(one.pk, now=timezone.now()) for one in messages])
        later = timezone.now() + claims.PAUSE_IS_BEING_TOLD
        for message_id in delivery.queued(now=later):
            deliver_one(message_id, now=later)

        for one in messages:
            one.refresh_from_db()
        assert sorted(one.state for one in messages) == ["sent", "skipped"]
        [sent] = [one for one in messages if one.state == "sent"]
        assert sent.also_about.count() == 1
        assert len([mail_ for mail_ in mail.outbox if mail_.to == [email]]) == 1


def test_a_bounce_and_the_next_mail_at_once_agree_on_the_address(message: DunningMessage) -> None:
    deliver_one(message.pk, now=timezone.now())
    later = timezone.now() + conversations.QUIET
    new = queue(fail(), now=later)
    sent = DunningMessage.objects.select_related("case").get(pk=message.pk)
    word = Word(sent, Verdict.HARD_BOUNCE, detail="gone", at=later, now=later)
    at_once(*[lambda: bounces.take_in(word)] * 2, lambda: deliver_one(new.pk, now=later))

    new.refresh_from_db()
    assert new.state in {"sent", "skipped"}
    assert len(mail.outbox) == (2 if new.state == "sent" else 1)
    assert message.case.tasks.count() == 1


def test_two_workers_send_one_mail(message: DunningMessage) -> None:
    at_once(*[lambda: deliver_one(message.pk, now=timezone.now())] * 3)

    message.refresh_from_db()
    assert (message.state, message.tries) == ("sent", 1)
    assert len(mail.outbox) == 1
    assert message.case.timeline.filter(kind="message_sent").count() == 1


def test_two_workers_with_the_same_messages_send_each_once_and_do_not_block_each_other(
    message: DunningMessage, caplog: pytest.LogCaptureFixture
) -> None:
    now = timezone.now()
    owed = [fail(email=f"shared{number}@example.com") for number in range(24)]
    ids = [queue(case, now=now).pk for case in owed]
    orders = (ids, ids[::-1], ids[::2] + ids[1::2])
    at_once(
        *[lambda order=order: delivery.deliver_all(order, now=timezone.now) for order in orders]
    )

    sent = [one.to[0] for one in mail.outbox if one.to[0].startswith("shared")]
    assert sorted(sent) == sorted(case.customer_email for case in owed)
    assert "could not be" not in caplog.text


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


def test_a_case_that_another_worker_is_starting_is_not_waited_for(message: DunningMessage) -> None:
    taken, free = fail(email="kim@example.com"), fail(email="lou@example.com")
    with transaction.atomic():
        cases.locked(taken)
        starting = in_thread(start_runs)
        starting.join(WAITS)
        assert not starting.is_alive()
        assert free.runs.exists()
        assert not taken.runs.exists()

    start_runs()
    assert taken.runs.exists()


def test_two_workers_take_one_step(message: DunningMessage) -> None:
    case, now = fail("expired_card", email="kim@example.com"), timezone.now()
    runs.start(case, now=now)
    at_once(*[lambda: runs.take_due_steps(now=now)] * 2)
    assert DunningMessage.objects.filter(case=case).count() == 1
