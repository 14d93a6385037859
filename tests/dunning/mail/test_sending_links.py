"""An operator has a new link sent to the customer: once, and only where one would go."""

from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.utils import timezone

from billing_portal import links
from dunning.mail import addresses, replacements
from dunning.mail.addresses import Reason
from dunning.mail.replacements import NotSentError
from dunning.models import DunningMessage
from dunning.tasks import deliver_queued
from recovery.models import Customer, RecoveryCase, StripeConnection
from recovery.state_machine import Trigger
from tests.builders import make_merchant
from tests.dunning.facts import ask_for_a_new_link, close, fail

pytestmark = pytest.mark.django_db
JO, AL = "jo@example.com", "al@example.com"


@pytest.fixture
def case() -> RecoveryCase:
    make_merchant()
    return fail()


def send(case: RecoveryCase, actor: str = AL, *, now: datetime | None = None) -> DunningMessage:
    return replacements.send(case, actor=actor, now=now or timezone.now())


def refused(case: RecoveryCase) -> str:
    """Why no link is sent; nothing is queued or told then."""
    before = (DunningMessage.objects.count(), case.timeline.count())
    with pytest.raises(NotSentError) as error:
        send(case)
    assert (DunningMessage.objects.count(), case.timeline.count()) == before
    return str(error.value)


def told(case: RecoveryCase, kind: str) -> list[tuple[str, str, str]]:
    entries = case.timeline.filter(kind=kind).order_by("id")
    return [(entry.summary, entry.actor, entry.rule) for entry in entries]


def test_a_new_link_goes_to_the_customer_and_works(case: RecoveryCase) -> None:
    send(case)
    for _twice in range(2):
        deliver_queued()

    [sent] = mail.outbox
    assert (sent.to, sent.subject) == ([JO], "Your new link for Fern Tea Club")
    token = str(sent.body).partition("token=")[2].split()[0]
    assert links.find(token, now=timezone.now()).state == "valid"
    assert told(case, "link_requested") == [("A new link is sent to the customer.", AL, "")]
    assert [rule for _, _, rule in told(case, "message_sent")] == ["asked for by an operator"]


@pytest.mark.parametrize(
    ("language", "said"),
    {
        "en": "Here is your new link.",
        "de": "hier ist Ihr neuer Link.",
        "fr": "Voici votre nouveau lien.",
        "es": "Aquí tiene su nuevo enlace.",
        "pt": "Aqui está o seu novo link.",
        "it": "ecco il suo nuovo link.",
        "nl": "Hier is uw nieuwe link.",
        "ja": "お支払い用の新しいリンクをお送りします。",
    }.items(),
)
def test_the_words_are_true_whoever_asked_for_it(
    case: RecoveryCase, language: str, said: str
) -> None:
    assert case.customer
    Customer.objects.filter(pk=case.customer.pk).update(locale=language)
    ask_for_a_new_link(case, now=timezone.now())
    deliver_queued()
    send(case)
    deliver_queued()

    bodies = [str(sent.body) for sent in mail.outbox]
    assert [body.splitlines()[2].startswith(said) for body in bodies] == [True, True]


def test_the_links_that_there_are_stay_as_they_are(case: RecoveryCase) -> None:
    token = links.create(case=case, now=timezone.now()).partition("token=")[2]

    send(case)
    deliver_queued()

    assert links.find(token, now=timezone.now()).state == "valid"
    assert case.links.count() == 2


def test_one_on_its_way_is_enough(case: RecoveryCase) -> None:
    send(case)

    assert refused(case) == "a new link is on its way already"

    deliver_queued()
    send(case)
    deliver_queued()
    assert len(mail.outbox) == 2


def test_who_asked_for_one_is_sent_one(case: RecoveryCase) -> None:
    ask_for_a_new_link(case, now=timezone.now())

    assert refused(case) == "a new link is on its way already"


def test_the_database_keeps_the_promise_of_one(case: RecoveryCase) -> None:
    message = send(case)
    message.pk, message.public_id = None, "msg_another"

    with pytest.raises(IntegrityError), transaction.atomic():
        message.save(force_insert=True)
    assert DunningMessage.objects.count() == 1


def test_a_message_that_was_asked_for_by_nobody_is_no_message(case: RecoveryCase) -> None:
    message = DunningMessage(merchant=case.merchant, case=case, due_at=timezone.now())

    with pytest.raises(IntegrityError, match="a_message_has_one_cause"), transaction.atomic():
        message.save()


@pytest.mark.parametrize(
    ("trigger", "why"),
    [
        (Trigger.INVOICE_PAID, "the case is recovered"),
        (Trigger.INVOICE_VOIDED, "the case is voided"),
    ],
)
def test_nobody_is_sent_a_link_for_a_debt_that_is_gone(
    case: RecoveryCase, trigger: Trigger, why: str
) -> None:
    close(case, now=timezone.now(), trigger=trigger)

    assert refused(case) == why


def test_a_debt_that_was_given_up_may_still_be_paid(case: RecoveryCase) -> None:
    close(case, now=timezone.now(), trigger=Trigger.SUBSCRIPTION_CANCELED)

    send(case)
    deliver_queued()

    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        (Reason.BOUNCED, "j***@example.com takes no mail"),
        (Reason.COMPLAINED, "j***@example.com called the mail unwanted"),
        (Reason.UNSUBSCRIBED, "j***@example.com asked for no more mail"),
    ],
)
def test_an_operator_writes_to_no_suppressed_address(
    case: RecoveryCase, reason: Reason, why: str
) -> None:
    addresses.suppress(
        merchant=case.merchant, email=JO, reason=reason, detail="", now=timezone.now()
    )

    assert refused(case) == why


def test_who_is_suppressed_meanwhile_is_not_written_to_either(case: RecoveryCase) -> None:
    send(case)
    addresses.suppress(
        merchant=case.merchant, email=JO, reason=Reason.UNSUBSCRIBED, detail="",
        now=timezone.now(),
    )  # fmt: skip
    deliver_queued()

    assert mail.outbox == []
    assert DunningMessage.objects.get().state == "skipped"
    send_again = refused(case)
    assert send_again == "j***@example.com asked for no more mail"


def test_a_debt_that_is_paid_meanwhile_is_not_written_about(case: RecoveryCase) -> None:
    send(case)
    close(case, now=timezone.now())
    deliver_queued()

    assert mail.outbox == []
    assert told(case, "message_not_sent")[0][0] == "Not sent: the case is recovered."


def test_a_dead_address_has_its_alternate(case: RecoveryCase) -> None:
    addresses.suppress(
        merchant=case.merchant, email=JO, reason=Reason.BOUNCED, detail="", now=timezone.now()
    )
    assert case.customer
    case.customer.alternate_email = "office@example.com"
    case.customer.save()

    send(case)
    deliver_queued()

    assert [message.to for message in mail.outbox] == [["office@example.com"]]


def test_a_customer_without_an_address_is_sent_nothing(case: RecoveryCase) -> None:
    RecoveryCase.objects.update(customer=None)

    assert refused(case) == "no address of the customer is known"


def test_a_merchant_that_disconnected_sends_nothing(case: RecoveryCase) -> None:
    StripeConnection.objects.update(disconnected_at=timezone.now())

    assert refused(case) == "the merchant has disconnected Stripe"


def test_a_paused_case_and_a_late_hour_don_t_keep_a_link(case: RecoveryCase) -> None:
    RecoveryCase.objects.update(is_paused=True)
    case.merchant.send_until_hour = 1
    case.merchant.save()

    send(case, now=timezone.now() - timedelta(minutes=1))
    deliver_queued()

    assert len(mail.outbox) == 1
