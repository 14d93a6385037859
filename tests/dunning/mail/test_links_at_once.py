"""Two operators, or a customer with two windows, at the same time: each thing is done once."""

import pytest
from django.core import mail
from django.utils import timezone

from billing_portal import links
from billing_portal.models import PaymentUpdateLink
from dunning.mail import replacements
from dunning.mail.replacements import NotSentError
from dunning.models import DunningMessage
from dunning.tasks import deliver_queued
from recovery.models import RecoveryCase
from tests.builders import make_merchant
from tests.dunning.facts import fail
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)
THREE = 3


@pytest.fixture
def case() -> RecoveryCase:
    make_merchant()
    return fail()


def told(case: RecoveryCase, kind: str) -> int:
    return case.timeline.filter(kind=kind).count()


def test_a_new_link_is_sent_once(case: RecoveryCase) -> None:
    refused: list[str] = []

    def send() -> None:
        try:
            replacements.send(case, actor="al@example.com", now=timezone.now())
        except NotSentError as error:
            refused.append(str(error))

    at_once(*[send] * THREE)
    deliver_queued()

    assert refused == ["a new link is on its way already"] * (THREE - 1)
    assert DunningMessage.objects.get().state == "sent"
    assert len(mail.outbox) == 1
    assert told(case, "link_requested") == 1


def test_a_button_that_is_pressed_in_several_windows_is_answered_once(case: RecoveryCase) -> None:
    links.create(case=case, now=timezone.now() - links.LIFETIME)
    link = PaymentUpdateLink.objects.select_related("case").get()

    def press() -> None:
        links.request_replacement(link, now=timezone.now())
        replacements.queue(now=timezone.now())

    at_once(*[press] * THREE)
    replacements.queue(now=timezone.now())
    DunningMessage.objects.update(state="skipped")
    at_once(*[press] * THREE)
    replacements.queue(now=timezone.now())

    assert DunningMessage.objects.filter(expired_link=link).count() == 1 + 1
    assert told(case, "link_requested") == 1 + 1


def test_a_link_is_opened_and_revoked_once(case: RecoveryCase) -> None:
    links.create(case=case, now=timezone.now())
    seen = [PaymentUpdateLink.objects.select_related("case").get() for _ in range(THREE)]
    revoked: list[bool] = []

    at_once(*[lambda link=link: links.opened(link, now=timezone.now()) for link in seen])
    at_once(*[lambda link=link: revoked.append(links.revoke(link, now=timezone.now()))
              for link in seen])  # fmt: skip

    assert sorted(revoked) == [False, False, True]
    assert (told(case, "link_opened"), told(case, "link_revoked")) == (1, 1)
