"""A customer with an expired link gets a new one by mail: once for each time that they are left
without."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from billing_portal import links
from billing_portal.models import PaymentUpdateLink
from dunning.mail import messages, replacements
from dunning.models import DunningMessage
from dunning.tasks import deliver_queued, replace_links
from recovery import cases
from recovery.models import RecoveryCase
from recovery.state_machine import Trigger
from tests.builders import EXPIRED_CARD, make_merchant, receive

pytestmark = pytest.mark.django_db
REPLACE = "/fourthngoal/recover/update/replace"


@pytest.fixture
def case() -> RecoveryCase:
    make_merchant()
    receive(EXPIRED_CARD)
    return RecoveryCase.objects.get()


def ask_for_a_new_link(case: RecoveryCase) -> None:
    link = links.create(case=case, now=timezone.now() - links.LIFETIME)
    page = Client().post(REPLACE, {"token": link.partition("token=")[2]})
    assert page.status_code == 200


def close(case: RecoveryCase, trigger: Trigger) -> None:
    now = timezone.now()
    cases.advance(case=case, trigger=trigger, at=now, now=now, once="test")


def test_the_new_link_goes_to_the_address_on_file_once_and_works(case: RecoveryCase) -> None:
    ask_for_a_new_link(case)
    for _again in range(2):
        replace_links()
        deliver_queued()

    assert [message.to for message in mail.outbox] == [["user@example.com"]]
    assert mail.outbox[0].subject == "Your new link for Fern Tea Club"
    token = str(mail.outbox[0].body).partition("token=")[2].split()[0]
    assert links.find(token, now=timezone.now()).state == "valid"
    assert case.timeline.get(kind="message_sent").rule == "asked for"


def test_a_payment_that_was_given_up_may_still_be_asked_for(case: RecoveryCase) -> None:
    ask_for_a_new_link(case)
    close(case, Trigger.SUBSCRIPTION_CANCELED)
    replace_links()
    deliver_queued()

    assert len(mail.outbox) == 1


def test_a_paused_case_answers_its_customer(case: RecoveryCase) -> None:
    RecoveryCase.objects.update(is_paused=True)
    ask_for_a_new_link(case)
    replace_links()
    deliver_queued()

    assert len(mail.outbox) == 1


def test_no_link_is_sent_for_a_debt_that_is_gone(case: RecoveryCase) -> None:
    ask_for_a_new_link(case)
    close(case, Trigger.INVOICE_VOIDED)
    replace_links()
    deliver_queued()

    assert mail.outbox == []
    assert DunningMessage.objects.get().state == "skipped"


def test_without_an_address_nothing_is_sent_and_the_timeline_says_why(case: RecoveryCase) -> None:
    RecoveryCase.objects.update(customer=None)
    ask_for_a_new_link(case)
    replace_links()
    deliver_queued()

    assert mail.outbox == []
    entry = case.timeline.get(kind="message_not_sent")
    assert entry.summary == "Not sent: no address of the customer is known."


def test_a_link_that_nobody_asked_to_replace_stays(case: RecoveryCase) -> None:
    links.create(case=case, now=timezone.now() - timedelta(days=30))
    replace_links()

    assert not DunningMessage.objects.exists()
    assert PaymentUpdateLink.objects.get().replaced_at is None


@pytest.fixture
def asked(case: RecoveryCase) -> DunningMessage:
    """The answer to a customer who asked on the page of an expired link, before it is sent."""
    links.create(case=case, now=timezone.now() - links.LIFETIME)
    press()
    replace_links()
    return DunningMessage.objects.get()


def press() -> None:
    """The button on the page of the first link."""
    links.request_replacement(PaymentUpdateLink.objects.earliest("id"), now=timezone.now())


def became(message: DunningMessage, state: str, **facts: Any) -> None:
    DunningMessage.objects.filter(pk=message.pk).update(
        state=state, due_at=timezone.now() - HOUR, **facts
    )


HOUR = timedelta(hours=1)
AGO = {"just now": timedelta(minutes=1), "long ago": replacements.AGAIN_AFTER}


@pytest.mark.parametrize("state", ["queued", "sending"])
def test_while_an_answer_is_on_its_way_there_is_no_other(
    asked: DunningMessage, state: str
) -> None:
    became(asked, state, claimed_at=timezone.now())
    for _again in range(2):
        press()
        replace_links()

    assert DunningMessage.objects.get() == asked


@pytest.mark.parametrize(("ago", "answers"), [("just now", 1), ("long ago", 2)])
@pytest.mark.parametrize("state", ["sent", "unknown"])
def test_what_went_is_looked_for_a_while_before_another_one_goes(
    asked: DunningMessage, state: str, ago: str, answers: int
) -> None:
    at = timezone.now() - AGO[ago]
    became(asked, state, claimed_at=at, sent_at=at if state == "sent" else None)
    for _again in range(2):
        press()
        replace_links()

    assert DunningMessage.objects.count() == answers


@pytest.mark.parametrize("state", ["failed", "skipped"])
def test_who_was_not_answered_is_answered_when_they_ask_again(
    case: RecoveryCase, asked: DunningMessage, state: str
) -> None:
    became(asked, state)
    for _again in range(2):
        press()
        replace_links()
    deliver_queued()

    assert [message.to for message in mail.outbox] == [["user@example.com"]]
    assert list(DunningMessage.objects.values_list("state", flat=True).order_by("id")) == [
        state, "sent",
    ]  # fmt: skip
    asked_for = case.timeline.filter(kind="link_requested").order_by("id")
    assert [entry.summary for entry in asked_for] == [
        "A new link was asked for on an expired page.",
        "A new link was asked for once more on an expired page.",
    ]


def test_an_answer_that_came_back_is_none(asked: DunningMessage) -> None:
    now = timezone.now()
    became(asked, "sent", sent_at=now, bounced_at=now)
    press()
    replace_links()

    assert DunningMessage.objects.exclude(pk=asked.pk).get().expired_link == asked.expired_link


def test_an_answer_that_goes_to_the_alternate_contact_is_one(asked: DunningMessage) -> None:
    now = timezone.now()
    became(asked, "sent", sent_at=now, bounced_at=now)
    instead = messages.queue_instead(asked, now=now)
    press()
    replace_links()

    assert set(DunningMessage.objects.all()) == {asked, instead}


def test_an_answer_that_never_gets_there_is_not_tried_with_every_press(
    asked: DunningMessage,
) -> None:
    DunningMessage.objects.update(state="failed")
    press()
    replace_links()
    deliver_queued()

    waiting = DunningMessage.objects.latest("id")
    assert (waiting.state, mail.outbox) == ("queued", [])
    assert waiting.due_at == asked.due_at + replacements.PAUSE


def test_a_press_that_nobody_looked_at_yet_stands(case: RecoveryCase) -> None:
    links.create(case=case, now=timezone.now() - links.LIFETIME)
    press()
    first = PaymentUpdateLink.objects.get().replacement_requested_at
    press()

    assert PaymentUpdateLink.objects.get().replacement_requested_at == first
