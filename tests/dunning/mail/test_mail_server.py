"""What a real mail server answers decides what becomes of a message."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings as SettingsWrapper

from dunning.models import DunningMessage, SuppressedAddress
from recovery.models import Customer, Merchant, OperatorTask
from tests.builders import make_merchant
from tests.dunning.facts import fail, queue
from tests.dunning.mail.sending import deliver_one
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
    deliver_one(message.pk, now=timezone.now() + later)
    message.refresh_from_db()


def told(message: DunningMessage) -> list[str]:
    return list(
        message.case.timeline.filter(kind__startswith="message_")
        .order_by("id")
        .values_list("summary", flat=True)
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


@pytest.mark.parametrize("whose", ["to_recipient", "to_content"])
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


@pytest.mark.parametrize(
    ("whose", "first"), [("to_sender", 20), ("to_recipient", 120), ("to_content", 120)]
)
def test_a_mail_that_is_refused_for_now_is_put_off_longer_each_time(
    mail_server: MailServer, message: DunningMessage, whose: str, first: int
) -> None:
    setattr(mail_server, whose, "451 Greylisted, try again later")
    pauses = []
    for _try in range(4):
        now = message.due_at
        deliver_one(message.pk, now=now)
        message.refresh_from_db()
        assert message.state == "queued"
        pauses.append((message.due_at - now).total_seconds())
    assert pauses == [first, 2 * first, 4 * first, 8 * first]
    about = "refuses the sender's address" if whose == "to_sender" else "refused the mail"
    assert message.error == f"The mail server {about} (451)."
    assert told(message) == []
    assert not OperatorTask.objects.exists()

    setattr(mail_server, whose, TAKEN)
    deliver(message)
    assert (message.state, message.error, message.tries) == ("sent", "", 5)
    assert len(mail_server.mails) == 1


def test_a_mail_server_that_is_never_ready_is_given_up(
    mail_server: MailServer, message: DunningMessage
) -> None:
    mail_server.to_recipient = "451 Greylisted, try again later"
    first = message.due_at
    while message.state == "queued":
        last = message.due_at
        deliver_one(message.pk, now=last)
        message.refresh_from_db()

    assert message.state == "failed"
    assert timedelta(days=5) <= last - first < timedelta(days=5, hours=6)
    assert told(message) == ["The mail server refused the mail (451)."]
    assert message.case.tasks.get().kind == "message_unsent"


def test_a_full_mailbox_is_tried_again(mail_server: MailServer, message: DunningMessage) -> None:
    mail_server.to_recipient = "552 Mailbox full"
    deliver(message)

    assert (message.state, message.error) == ("queued", "The recipient's mailbox is full (552).")
    assert not SuppressedAddress.objects.exists()


@pytest.mark.parametrize(
    ("whose", "reply", "why"),
    [
        (
            "to_recipient", "550 relay not permitted",
            "The mail server doesn't pass our mail on (550).",
        ),
        (
            "to_recipient", "553 sorry, that domain isn't in my list of allowed rcpthosts",
            "The mail server doesn't pass our mail on (553).",
        ),
        (
            "to_recipient", "554 Service unavailable; Client host blocked using zen.spamhaus.org",
            "The mail server blocks our mail (554).",
        ),
        (
            "to_recipient", "530 Authentication required",
            "The mail server doesn't let us log in (530).",
        ),
        (
            "to_sender", "530 Authentication required",
            "The mail server doesn't let us log in (530).",
        ),
        ("to_sender", "550 No such user", "The mail server refuses the sender's address (550)."),
        ("to_content", "550 5.7.1 blocked", "The mail server blocks our mail (550)."),
    ],
)  # fmt: skip
def test_a_server_that_refuses_us_delays_the_mail_and_a_person_is_told_each_day(
    mail_server: MailServer, message: DunningMessage, whose: str, reply: str, why: str
) -> None:
    setattr(mail_server, whose, reply)
    now = message.due_at.replace(hour=8)
    for hours in (0, 1, 15, 24, 24 * 9):
        deliver_one(message.pk, now=now + timedelta(hours=hours))

    message.refresh_from_db()
    assert (message.state, message.error) == ("queued", why)
    assert not SuppressedAddress.objects.exists()
    assert not message.case.tasks.exists()
    assert list(OperatorTask.objects.values_list("kind", "summary")) == [
        (
            "mail_held_up",
            f"No mail goes out to customers: {why} It waits, and goes once this is put right.",
        )
    ] * 3  # fmt: skip

    setattr(mail_server, whose, TAKEN)
    deliver_one(message.pk, now=now + timedelta(days=10))
    message.refresh_from_db()
    assert (message.state, len(mail_server.mails)) == ("sent", 1)


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
