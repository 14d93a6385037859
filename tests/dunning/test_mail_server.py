"""What a real mail server answers decides what becomes of a message."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings as SettingsWrapper

from dunning import delivery, messages
from dunning.models import DunningMessage
from recovery.models import Customer, Merchant
from tests.builders import make_merchant
from tests.dunning.facts import fail, queue
from tests.dunning.mail_servers import TAKEN, MailServer, listening

pytestmark = pytest.mark.django_db


@pytest.fixture
def mail_server(settings: SettingsWrapper) -> Iterator[MailServer]:
    with listening(settings) as server:
        yield server


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


@pytest.fixture
def message(merchant: Merchant) -> DunningMessage:
    return queue(fail(), now=timezone.now())


def deliver(message: DunningMessage, *, later: timedelta = timedelta(0)) -> None:
    delivery.deliver(message.pk, now=timezone.now() + later)
    message.refresh_from_db()


def told(message: DunningMessage) -> list[str]:
    return list(
        message.case.timeline.filter(kind__startswith="message_").values_list("summary", flat=True)
    )


def test_the_mail_says_who_wrote_it_and_that_a_program_did(
    mail_server: MailServer, merchant: Merchant, message: DunningMessage
) -> None:
    merchant.sender_email, merchant.support_email = "billing@fern.example", "help@fern.example"
    merchant.save()
    deliver(message)

    (mail,) = mail_server.mails
    assert mail["From"] == "Fern Tea Club <billing@fern.example>"
    assert mail["Reply-To"] == "help@fern.example"
    assert mail["To"] == "jo@example.com"
    assert mail["Message-ID"] == f"<{message.public_id}@fern.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert {part.get_content_type() for part in mail.iter_parts()} == {"text/plain", "text/html"}
    assert told(message) == [f"“{message.subject}” was sent to j***@example.com."]


def test_the_platforms_address_may_be_given_with_a_name(
    mail_server: MailServer, message: DunningMessage, settings: SettingsWrapper
) -> None:
    settings.DEFAULT_FROM_EMAIL = "Recover <billing@recover.example>"
    deliver(message)

    (mail,) = mail_server.mails
    assert mail["From"] == "Fern Tea Club <billing@recover.example>"
    assert mail["Message-ID"] == f"<{message.public_id}@recover.example>"


@pytest.mark.parametrize("whose", ["to_sender", "to_recipient", "to_content"])
def test_a_mail_that_is_refused_for_good_has_failed(
    mail_server: MailServer, message: DunningMessage, whose: str
) -> None:
    setattr(mail_server, whose, "550 No such user")
    deliver(message)

    assert (message.state, message.error) == ("failed", "The mail server refused the mail (550).")
    assert told(message) == [message.error]
    setattr(mail_server, whose, TAKEN)
    deliver(message, later=timedelta(days=1))
    assert mail_server.mails == []


@pytest.mark.parametrize("whose", ["to_sender", "to_recipient", "to_content"])
def test_a_mail_that_is_refused_for_now_is_put_off_longer_each_time(
    mail_server: MailServer, message: DunningMessage, whose: str
) -> None:
    setattr(mail_server, whose, "451 Greylisted, try again later")
    pauses = []
    for _try in range(4):
        now = message.due_at
        delivery.deliver(message.pk, now=now)
        message.refresh_from_db()
        assert message.state == "queued"
        pauses.append((message.due_at - now).total_seconds() / 60)
    assert pauses == [2, 4, 8, 16]
    assert message.error == "The mail server refused the mail (451)."
    assert told(message) == []

    setattr(mail_server, whose, TAKEN)
    deliver(message)
    assert (message.state, message.error, message.tries) == ("sent", "", 5)
    assert len(mail_server.mails) == 1


def test_a_mail_server_that_is_never_ready_is_given_up(
    mail_server: MailServer, message: DunningMessage
) -> None:
    mail_server.to_recipient = "451 Greylisted, try again later"
    for _try in range(messages.MOST_TRIES + 3):
        deliver(message)

    assert (message.state, message.tries) == ("failed", messages.MOST_TRIES)
    assert told(message) == ["The mail server refused the mail (451)."]


@pytest.mark.parametrize(
    "address",
    ["jo@example.com\nBcc: eve@evil.example", "jo@example.com\r\n\r\nBuy now", "jo@exam\nple.com"],
)
def test_an_address_cannot_smuggle_in_a_header(
    mail_server: MailServer, message: DunningMessage, address: str
) -> None:
    Customer.objects.update(email=address)
    deliver(message)

    assert (message.state, mail_server.mails, mail_server.recipients) == ("failed", [], [])
    assert told(message) == ["No mail can be written to this address."]


@pytest.mark.parametrize("address", ["jo", "jo@exam..ple.com", f"jo@{'ö' * 70}.example"])
def test_an_address_that_no_mail_server_understands_has_failed(
    mail_server: MailServer, message: DunningMessage, address: str
) -> None:
    mail_server.to_recipient = "501 Syntax error in address"
    Customer.objects.update(email=address)
    deliver(message)
    assert (message.state, mail_server.mails) == ("failed", [])


def test_a_merchants_words_cannot_smuggle_in_a_header(
    mail_server: MailServer, merchant: Merchant, message: DunningMessage
) -> None:
    merchant.product_name = "Fern\r\nBcc: eve@evil.example\r\n\r\nBuy now"
    merchant.save()
    deliver(message)

    (mail,) = mail_server.mails
    assert mail["Bcc"] is None
    assert (
        mail["Subject"] == "Your payment to Fern Bcc: eve@evil.example Buy now didn't go through"
    )
    assert mail_server.recipients == ["jo@example.com"]


def test_a_name_in_any_script_arrives_as_it_is(
    mail_server: MailServer, merchant: Merchant, message: DunningMessage
) -> None:
    merchant.product_name = "Färn “Tee” 茶, Inc."
    merchant.save()
    Customer.objects.update(email="jo@bücher.example")
    deliver(message)

    (mail,) = mail_server.mails
    assert mail["From"].addresses[0].display_name == "Färn “Tee” 茶, Inc."
    assert mail_server.recipients == ["jo@xn--bcher-kva.example"]
