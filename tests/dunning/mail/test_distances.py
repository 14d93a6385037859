"""A customer isn't pressed: mails keep their distance, and a last reminder is the last."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from dunning import runs
from dunning.mail import conversations, delivery, messages
from dunning.models import DunningMessage
from recovery.models import Merchant, RecoveryCase
from tests.builders import make_merchant
from tests.dunning.facts import fail, queue
from tests.dunning.mail.sending import deliver_one
from tests.dunning.own_campaigns import DAY, published, step

pytestmark = pytest.mark.django_db


@pytest.fixture
def debts() -> list[RecoveryCase]:
    """Two debts of Jo's."""
    make_merchant()
    return [fail(), fail()]


def send(case: RecoveryCase, *, now: datetime) -> DunningMessage:
    message = queue(case, now=now)
    deliver_one(message.pk, now=now)
    message.refresh_from_db()
    return message


SOON, LATER = conversations.QUIET - timedelta(hours=1), conversations.QUIET + timedelta(hours=1)


@pytest.mark.parametrize(
    ("to_come", "words"),
    [
        ([], "Last"),
        ([step("email", LATER)], "A reminder"),
        ([step("email", SOON)], "Last"),  # it will be skipped: this mail tells of its debt
        ([step("email", SOON), step("task", LATER)], "Last"),
        ([step("task", SOON), step("email", SOON), step("email", LATER)], "A reminder"),
        ([step("task", SOON), step("email", 2 * timedelta(hours=1), delay_from="previous")],
         "A reminder"),
    ],
)  # fmt: skip
def test_nobody_reads_of_a_last_reminder_while_another_debt_has_mails_to_come(
    debts: list[RecoveryCase], to_come: list[dict[str, Any]], words: str
) -> None:
    now = timezone.now()
    merchant = debts[0].merchant
    published(merchant, step("email", template="final"))
    message = queue(debts[0], now=now)
    if to_come:
        published(merchant, *to_come, name="Other", default_for="", priority=1)
        RecoveryCase.objects.filter(pk=debts[1].pk).update(failed_at=now, opened_at=now)
        debts[1].refresh_from_db()
        assert runs.start(debts[1], now=now)
    deliver_one(message.pk, now=now)

    assert mail.outbox[0].subject.startswith(words)


def test_of_two_debts_that_end_within_two_days_the_customer_is_told_of_a_last_reminder_once(
    debts: list[RecoveryCase],
) -> None:
    now = timezone.now()
    RecoveryCase.objects.update(opened_at=now, failed_at=now)
    published(debts[0].merchant, step("email"), step("email", 5 * DAY, "final"))
    hours = 0
    while hours < 9 * 24:
        at = now + timedelta(hours=hours)
        for case in runs.cases_to_start(now=at):
            if case == debts[0] or (case == debts[1] and hours >= 36):
                runs.start(case, now=at)
        runs.take_due_steps(now=at)
        for message_id in delivery.queued(now=at):
            deliver_one(message_id, now=at)
        hours += 12

    finals = [sent for sent in mail.outbox if sent.subject.startswith("Last")]
    assert len(finals) == 1


def test_a_mail_keeps_a_day_from_the_last_one_about_the_debt_though_that_was_late(
    debts: list[RecoveryCase],
) -> None:
    published(debts[0].merchant, step("email"), step("email", 3 * DAY))
    first = queue(debts[0], now=timezone.now())
    late = first.due_at + 2 * DAY - timedelta(hours=3)
    RecoveryCase.objects.filter(pk=debts[0].pk).update(is_paused=True)
    deliver_one(first.pk, now=first.due_at)
    RecoveryCase.objects.filter(pk=debts[0].pk).update(is_paused=False)
    deliver_one(first.pk, now=late)
    (second_id,) = runs.take_due_steps(now=first.due_at + 2 * DAY)
    second = DunningMessage.objects.get(pk=second_id)
    for hours in (0, 1):
        deliver_one(second.pk, now=second.due_at + timedelta(hours=hours))

    second.refresh_from_db()
    assert (second.state, second.due_at, second.tries) == ("queued", late + DAY, 0)
    entry = debts[0].timeline.get(kind="message_moved")
    assert entry.summary == f"Mail waits until {late + DAY:%Y-%m-%d %H:%M} UTC."
    assert (entry.rule, entry.source) == (
        "at least 24 hours between two mails about a debt", "one conversation per customer",
    )  # fmt: skip
    deliver_one(second.pk, now=late + DAY)
    second.refresh_from_db()
    assert second.state == "sent"


def test_a_day_after_the_last_mail_the_window_still_has_to_open(debts: list[RecoveryCase]) -> None:
    at = datetime(2027, 2, 1, 17, 30, tzinfo=UTC)
    RecoveryCase.objects.update(opened_at=at)
    published(debts[0].merchant, step("email"), step("email", 2 * DAY))
    first = send(debts[0], now=at)
    (second_id,) = runs.take_due_steps(now=at + DAY)
    DunningMessage.objects.filter(pk=first.pk).update(sent_at=at + timedelta(hours=2))
    Merchant.objects.update(send_from_hour=9, send_until_hour=18)
    deliver_one(second_id, now=at + DAY)

    opens = datetime(2027, 2, 3, 9, tzinfo=UTC)
    assert DunningMessage.objects.get(pk=second_id).due_at == opens
    assert debts[0].timeline.filter(kind="message_moved").count() == 2


def test_the_alternate_contact_need_not_wait_a_day(debts: list[RecoveryCase]) -> None:
    now = timezone.now()
    first = send(debts[0], now=now)
    instead = messages.queue_instead(first, now=now)
    DunningMessage.objects.filter(pk=first.pk).update(bounced_at=now)
    told = conversations.tellings([debts[0].pk], since=now - DAY)[debts[0].pk]
    assert conversations.at_a_distance(instead, told, now=now) == []
    deliver_one(instead.pk, now=now)
    instead.refresh_from_db()
    assert instead.state == "sent"
