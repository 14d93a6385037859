"""What a mail provider answers decides what becomes of a message; an outage delays, and never
doubles or drops."""

import json
import smtplib
import ssl
from collections.abc import Iterator
from datetime import timedelta
from email.parser import BytesParser
from typing import Any

import pytest
from anymail.exceptions import AnymailAPIError, AnymailError
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone
from pytest_django import Settings as SettingsWrapper

from dunning.mail import messages
from dunning.models import DunningMessage, SuppressedAddress
from recovery.models import Customer, Merchant, OperatorTask
from tests.builders import make_merchant
from tests.dunning.facts import close, fail, queue
from tests.dunning.mail.sending import deliver_one
from tests.dunning.mail_providers import IMPATIENT, MailProvider, listening

pytestmark = pytest.mark.django_db


@pytest.fixture
def postmark(settings: SettingsWrapper) -> Iterator[MailProvider]:
    with listening(settings, "postmark") as provider:
        yield provider


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


@pytest.fixture
def message(merchant: Merchant) -> DunningMessage:
    return queue(fail(), now=timezone.now())


def deliver(message: DunningMessage, *, later: timedelta = timedelta(0)) -> None:
    deliver_one(message.pk, now=timezone.now() + later)
    message.refresh_from_db()


def test_the_provider_gets_the_merchants_mail_and_the_messages_name(
    postmark: MailProvider, merchant: Merchant, message: DunningMessage, settings: SettingsWrapper
) -> None:
    settings.PUBLIC_URL = "https://pay.example.com"
    merchant.sender_email, merchant.support_email = "billing@fern.example", "help@fern.example"
    merchant.save()
    deliver(message)

    [body] = postmark.requests
    asked = json.loads(body)
    assert (asked["From"], asked["To"], asked["ReplyTo"]) == (
        "Fern Tea Club <billing@fern.example>", "jo@example.com", "help@fern.example",
    )  # fmt: skip
    assert (asked["Metadata"], asked["Tag"]) == ({"recover_message": message.public_id}, "dunning")
    assert (asked["TrackLinks"], asked["TrackOpens"]) == ("None", False)
    headers = {header["Name"]: header["Value"] for header in asked["Headers"]}
    assert headers["Message-ID"] == f"<{message.public_id}@fern.example>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    way_out = headers["List-Unsubscribe"]
    assert way_out.startswith("<https://pay.example.com/fourthngoal/recover/unsubscribe?token=")
    assert (message.state, message.provider_id) == ("sent", "pm-1")


def test_mailgun_takes_it_too(
    settings: SettingsWrapper, merchant: Merchant, message: DunningMessage
) -> None:
    with listening(settings, "mailgun") as mailgun:
        deliver(message)

    form = mailgun.requests[0].decode()
    assert f"v%3Arecover_message={message.public_id}" in form
    assert (message.state, message.provider_id) == ("sent", "<mg-1@mail.fern.example>")


@pytest.mark.parametrize("code", [301, 401, 402, 403, 404, 408, 425, 429, 500, 502, 503])
def test_a_provider_that_is_not_ready_delays_the_mail_and_never_drops_it(
    postmark: MailProvider, message: DunningMessage, code: int
) -> None:
    postmark.answers = [(code, {"ErrorCode": 100, "Message": "Maintenance"})] * (
        messages.MOST_TRIES + 2
    )
    pauses = []
    while postmark.answers:
        now = message.due_at
        deliver_one(message.pk, now=now)
        message.refresh_from_db()
        assert message.state == "queued"
        pauses.append(int((message.due_at - now).total_seconds()))

    first = 120 if code in {401, 402, 403} else 20  # ours to set right, or soon over
    assert pauses == [min(first << times, 6 * 3600) for times in range(12)]
    assert message.error == f"The mail provider refused the mail ({code})."
    sent_before = len(postmark.requests)
    deliver_one(message.pk, now=message.due_at)
    message.refresh_from_db()
    assert (message.state, len(postmark.requests) - sent_before) == ("sent", 1)


def test_a_case_that_closes_during_an_outage_is_not_written_about(
    postmark: MailProvider, message: DunningMessage
) -> None:
    postmark.answers = [(503, {})]
    deliver(message)
    close(message.case, now=timezone.now())
    deliver(message, later=timedelta(hours=1))

    assert (message.state, len(postmark.requests)) == ("skipped", 1)


@pytest.mark.parametrize("answer", ["hang", "cut", (504, {}), (200, b"<html>"), (200, {"no": 1})])
def test_a_provider_that_is_lost_while_it_has_the_mail_is_never_asked_again(
    postmark: MailProvider, message: DunningMessage, settings: SettingsWrapper, answer: Any
) -> None:
    if answer == "hang":
        settings.ANYMAIL = settings.ANYMAIL | {"REQUESTS_TIMEOUT": IMPATIENT}
    postmark.answers = [answer]
    for hours in range(3):
        deliver(message, later=timedelta(hours=hours))

    assert (message.state, len(postmark.requests)) == ("unknown", 1)
    assert message.error.endswith("It may have been sent or not.")
    assert message.case.tasks.get().kind == "message_unsent"


@pytest.mark.parametrize("port", ["http://127.0.0.1:9/", "nonsense://127.0.0.1/"])
def test_a_provider_that_cannot_be_reached_delays_the_mail(
    postmark: MailProvider, message: DunningMessage, settings: SettingsWrapper, port: str
) -> None:
    url = settings.ANYMAIL["POSTMARK_API_URL"]
    settings.ANYMAIL = {**settings.ANYMAIL, "POSTMARK_API_URL": port}
    deliver(message)
    assert message.state == "queued"
    assert message.error.startswith("The mail provider can't be reached (")

    settings.ANYMAIL = {**settings.ANYMAIL, "POSTMARK_API_URL": url}
    deliver(message, later=timedelta(hours=1))
    assert (message.state, len(postmark.requests)) == ("sent", 1)


def test_a_provider_that_is_not_set_up_delays_the_mail(
    postmark: MailProvider, message: DunningMessage, settings: SettingsWrapper
) -> None:
    settings.ANYMAIL = {}
    deliver(message)
    assert (message.state, message.error) == ("queued", "The mail provider isn't set up.")
    assert OperatorTask.objects.get().kind == "mail_held_up"


@pytest.mark.parametrize(("code", "tasks"), [(535, ["mail_held_up"]), (454, [])])
def test_a_password_that_the_server_does_not_take_delays_the_mail(
    message: DunningMessage, monkeypatch: pytest.MonkeyPatch, code: int, tasks: list[str]
) -> None:
    def refuse(self: EmailBackend) -> None:
        raise smtplib.SMTPAuthenticationError(code, b"no")

    monkeypatch.setattr(EmailBackend, "open", refuse)
    deliver(message)

    assert (message.state, message.error) == (
        "queued", f"The mail server doesn't let us log in ({code}).",
    )  # fmt: skip
    assert list(OperatorTask.objects.values_list("kind", flat=True)) == tasks


def test_a_mail_that_the_provider_refuses_for_good_has_failed(
    postmark: MailProvider, message: DunningMessage
) -> None:
    postmark.answers = [(422, {"ErrorCode": 400, "Message": "Sender signature not found"})]
    for days in range(2):
        deliver(message, later=timedelta(days=days))

    assert (message.state, len(postmark.requests)) == ("failed", 1)
    assert message.case.tasks.get().summary == (
        "Mail to j***@example.com: The mail provider refused the mail (422)."
    )
    assert not SuppressedAddress.objects.exists()


def test_an_address_that_the_provider_will_not_write_to_is_dead(
    postmark: MailProvider, message: DunningMessage
) -> None:
    inactive = (
        "You tried to send to a recipient that has been marked as inactive. Found inactive "
        "addresses: jo@example.com. Inactive recipients are ones that have generated a hard "
        "bounce or a spam complaint."
    )
    postmark.answers = [(422, {"ErrorCode": 406, "Message": inactive})]
    deliver(message)

    assert message.state == "failed"
    assert SuppressedAddress.objects.get().email == "jo@example.com"
    assert message.case.tasks.get().kind == "address_failed"


def test_a_mail_that_cannot_be_put_in_the_providers_words_has_failed(
    postmark: MailProvider, message: DunningMessage
) -> None:
    Customer.objects.update(email="jo@exam ple.com, x")
    deliver(message)
    assert (message.state, postmark.requests) == ("failed", [])


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (AnymailError("no sender domain"), "failed"),
        (AnymailAPIError("a client of its own failed"), "unknown"),
        (smtplib.SMTPNotSupportedError("SMTPUTF8"), "failed"),
        (smtplib.SMTPSenderRefused(550, b"no", "x"), "queued"),
        (smtplib.SMTPDataError(550, "no"), "failed"),
        (smtplib.SMTPDataError(451, b"later"), "queued"),
        (smtplib.SMTPRecipientsRefused({"x": (550, b"5.7.1 blocked")}), "queued"),
        (ssl.SSLError("cut"), "unknown"),
    ],
)
def test_other_ways_to_refuse_a_mail(
    message: DunningMessage, monkeypatch: pytest.MonkeyPatch, error: Exception, state: str
) -> None:
    def refuse(self: EmailBackend, messages: object) -> int:
        raise error

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    deliver(message)

    assert message.state == state
    assert not SuppressedAddress.objects.exists()


@pytest.mark.parametrize(
    ("reply", "is_dead"),
    [
        (b"No such user", True), (b"5.1.1 No such user", True), (b"5.2.1 closed", True),
        (b"5.3.4 too large", False), (b"refused", False), (b"5.2.10 later words", False),
    ],
)  # fmt: skip
def test_only_a_refused_recipient_is_a_dead_address(
    message: DunningMessage, monkeypatch: pytest.MonkeyPatch, reply: bytes, is_dead: bool
) -> None:
    def refuse(self: EmailBackend, messages: object) -> int:
        raise smtplib.SMTPRecipientsRefused({"jo@example.com": (550, reply)})

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    deliver(message)

    assert message.state == "failed"
    assert SuppressedAddress.objects.exists() == is_dead


def test_a_dead_address_at_hand_over_gives_way_to_the_alternate_contact(
    message: DunningMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    Customer.objects.update(alternate_email="books@x.org")

    def refuse(self: EmailBackend, messages: object) -> int:
        raise smtplib.SMTPRecipientsRefused({"jo@example.com": (550, b"5.1.1 no such user")})

    with monkeypatch.context() as patch:
        patch.setattr(EmailBackend, "send_messages", refuse)
        deliver(message)
    instead = DunningMessage.objects.get(instead_of=message)
    deliver(instead)

    assert (message.state, instead.state) == ("failed", "sent")
    assert [sent.to for sent in mail.outbox] == [["books@x.org"]]


def test_a_connection_that_breaks_at_the_farewell_has_taken_the_mail(
    message: DunningMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def close_badly(self: EmailBackend) -> None:
        raise smtplib.SMTPServerDisconnected("gone")

    monkeypatch.setattr(EmailBackend, "close", close_badly)
    deliver(message)
    assert (message.state, len(mail.outbox)) == ("sent", 1)


def test_a_sender_whom_no_mail_can_come_from_delays_the_mail_unclaimed(
    message: DunningMessage, merchant: Merchant
) -> None:
    merchant.sender_email = "büro@fern.example"
    merchant.save()
    deliver(message)
    assert (message.state, message.claimed_at, message.tries) == ("queued", None, 1)
    assert not message.case.links.exists()


def test_a_message_that_was_sent_is_kept_without_its_secrets(message: DunningMessage) -> None:
    deliver(message)
    [sent] = mail.outbox
    assert "List-Unsubscribe-Post" not in sent.extra_headers  # one click needs https
    assert BytesParser().parsebytes(sent.message().as_bytes())["List-Unsubscribe"]
    assert "token=" not in message.body_text + message.body_html
