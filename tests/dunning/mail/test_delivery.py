"""A message goes out at most once, and never for a case that is closed."""

from datetime import UTC, datetime, timedelta
from smtplib import SMTPServerDisconnected

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone

from dunning import runs
from dunning.mail import delivery
from dunning.models import DunningMessage, DunningRun, DunningStep
from dunning.tasks import deliver_queued, start_runs, work_due_steps
from recovery import cases
from recovery.models import Customer, Merchant, RecoveryCase
from recovery.state_machine import Trigger
from tests.builders import EXPIRED_CARD, make_merchant, receive
from tests.dunning.facts import ask_for_a_new_link, fail
from tests.dunning.mail.sending import deliver_one

pytestmark = pytest.mark.django_db


@pytest.fixture
def message() -> DunningMessage:
    make_merchant()
    receive(EXPIRED_CARD)
    start_runs()
    work_due_steps()
    return DunningMessage.objects.get()


def close(case: RecoveryCase) -> None:
    now = timezone.now()
    payment = cases.Payment(4900)
    cases.advance(
        case=case, trigger=Trigger.INVOICE_PAID, at=now, now=now, once="test", payment=payment
    )


def test_a_due_message_is_sent_once_however_often_it_is_delivered(message: DunningMessage) -> None:
    for _again in range(3):
        deliver_one(message.pk, now=timezone.now())
        deliver_queued()
        start_runs()
        work_due_steps()

    assert len(mail.outbox) == 1
    message.refresh_from_db()
    assert message.state == "sent"
    assert mail.outbox[0].to == ["user@example.com"]
    assert message.public_id in mail.outbox[0].extra_headers["Message-ID"]


def test_what_is_kept_of_a_mail_has_no_token(message: DunningMessage) -> None:
    deliver_queued()
    message.refresh_from_db()
    assert "token=" in str(mail.outbox[0].body)
    assert "token=" not in message.body_text + message.body_html


def test_nothing_is_sent_once_the_case_is_closed(message: DunningMessage) -> None:
    close(message.case)
    deliver_queued()
    work_due_steps()

    assert mail.outbox == []
    message.refresh_from_db()
    assert message.state == "skipped"
    assert DunningRun.objects.get().state == "stopped"
    assert message.case.timeline.filter(kind="message_not_sent").count() == 1


def test_a_connection_lost_while_sending_is_unknown_and_never_repeated(
    message: DunningMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(self: EmailBackend, messages: object) -> int:
        raise SMTPServerDisconnected("gone")

    monkeypatch.setattr(EmailBackend, "send_messages", lose)
    deliver_queued()
    monkeypatch.undo()
    deliver_queued()

    message.refresh_from_db()
    assert (message.state, mail.outbox) == ("unknown", [])


def test_a_worker_that_died_while_sending_leaves_a_message_for_a_person(
    message: DunningMessage,
) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    DunningMessage.objects.filter(pk=message.pk).update(state="sending", claimed_at=long_ago)
    delivery.set_aside_unknown(now=timezone.now())
    deliver_queued()
    message.refresh_from_db()
    assert (message.state, mail.outbox) == ("unknown", [])


def test_a_mail_server_that_cannot_be_reached_delays_the_mail(
    message: DunningMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: EmailBackend) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(EmailBackend, "open", refuse)
    deliver_queued()
    monkeypatch.undo()
    assert mail.outbox == []

    deliver_one(message.pk, now=timezone.now() + timedelta(hours=1))
    assert len(mail.outbox) == 1


def test_a_message_that_cannot_be_rendered_is_tried_again_and_was_never_claimed(
    message: DunningMessage,
) -> None:
    step = DunningStep.objects.filter(messages=message)
    step.update(template="no such words")
    deliver_one(message.pk, now=timezone.now())

    message.refresh_from_db()
    assert (message.state, message.tries, message.claimed_at) == ("queued", 1, None)
    assert "no such words" in message.error
    assert not message.case.links.exists()

    step.update(template="failed")
    deliver_one(message.pk, now=timezone.now())
    message.refresh_from_db()
    assert (message.state, len(mail.outbox)) == ("sent", 1)


def test_without_an_address_nothing_is_sent_and_the_timeline_says_so(
    message: DunningMessage,
) -> None:
    Customer.objects.update(email="")
    deliver_queued()

    message.refresh_from_db()
    assert (message.state, mail.outbox) == ("skipped", [])
    assert message.case.timeline.get(kind="message_not_sent").summary == (
        "Not sent: no address of the customer is known."
    )


def test_a_paused_case_is_written_to_once_it_goes_on(message: DunningMessage) -> None:
    now = timezone.now()
    RecoveryCase.objects.update(is_paused=True)
    deliver_one(message.pk, now=now)
    message.refresh_from_db()
    assert (message.state, message.due_at, message.tries) == (
        "queued", now + timedelta(hours=1), 0,
    )  # fmt: skip
    assert mail.outbox == []

    RecoveryCase.objects.update(is_paused=False)
    deliver_one(message.pk, now=message.due_at)
    assert len(mail.outbox) == 1


def test_a_mail_that_waited_until_the_next_step_was_due_gives_way_to_it(
    message: DunningMessage,
) -> None:
    later = message.due_at + timedelta(days=4)
    (newer,) = runs.take_due_steps(now=later)
    for message_id in delivery.queued(now=later):
        deliver_one(message_id, now=later)

    message.refresh_from_db()
    assert (message.state, message.error) == ("skipped", "a later step of the campaign was due")
    assert DunningMessage.objects.get(pk=newer).state == "sent"
    assert [sent.subject for sent in mail.outbox] == [
        "A reminder: $49.00 for Fern Tea Club is still open"
    ]


def test_the_mail_goes_to_the_address_that_is_known_when_it_is_sent(
    message: DunningMessage,
) -> None:
    Customer.objects.update(email="new@example.com")
    deliver_queued()
    message.refresh_from_db()
    assert message.recipient == "new@example.com"
    assert mail.outbox[0].to == ["new@example.com"]


def test_a_mail_that_was_delayed_into_the_night_waits_for_the_merchants_window(
    message: DunningMessage,
) -> None:
    Merchant.objects.update(send_from_hour=9, send_until_hour=18, time_zone="Europe/Berlin")
    night = datetime(2027, 2, 2, 22, tzinfo=UTC)
    opens = datetime(2027, 2, 3, 8, tzinfo=UTC)
    for late in range(3):
        deliver_one(message.pk, now=night + timedelta(hours=late))

    message.refresh_from_db()
    assert (message.state, message.due_at, message.tries) == ("queued", opens, 0)
    assert mail.outbox == []
    entry = message.case.timeline.get(kind="message_moved")
    assert (entry.summary, entry.rule, entry.source) == (
        "Mail waits until 2027-02-03 08:00 UTC.",
        "9:00 to 18:00 on Mon, Tue, Wed, Thu, Fri, Sat, Sun in Europe/Berlin",
        "the merchant's send window",
    )
    deliver_one(message.pk, now=opens)
    message.refresh_from_db()
    assert message.state == "sent"


def test_a_link_that_was_asked_for_goes_at_night() -> None:
    make_merchant()
    Merchant.objects.update(send_from_hour=9, send_until_hour=18)
    night = datetime(2027, 2, 2, 22, tzinfo=UTC)
    asked = ask_for_a_new_link(fail(), now=night)
    deliver_one(asked.pk, now=night)

    asked.refresh_from_db()
    assert asked.state == "sent"
