"""A customer with an expired link gets a new one by mail, once."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from billing_portal import links
from billing_portal.models import PaymentUpdateLink
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
