"""A mail server is greeted once for mails that follow each other, and each is sent once."""

import socket
from collections.abc import Iterator

import pytest
from anymail.message import AnymailMessage
from django.core.mail.backends.smtp import EmailBackend
from django.utils import timezone
from pytest_django import Settings as SettingsWrapper

from dunning.mail import handover
from dunning.mail.handover import Fate, Line
from dunning.models import DunningMessage
from dunning.tasks import deliver_queued
from tests.builders import make_merchant
from tests.dunning.facts import fail, queue
from tests.dunning.mail_servers import MailServer, listening


@pytest.fixture
def server(settings: SettingsWrapper) -> Iterator[MailServer]:
    with listening(settings) as server:
        yield server


@pytest.fixture
def line() -> Iterator[Line]:
    with handover.line() as line:
        yield line


def mail() -> AnymailMessage:
    return AnymailMessage("Subject", "Body", "shop@example.com", ["jo@example.com"])


def fates(line: Line, mails: int) -> list[Fate]:
    return [handover.hand_over(mail(), through=line).fate for _one in range(mails)]


@pytest.mark.django_db
def test_what_is_queued_goes_over_one_line_if_there_is_one(
    server: MailServer, settings: SettingsWrapper
) -> None:
    settings.MAIL_CONNECTIONS = 1
    make_merchant()
    for name in ("jo", "kim", "lou"):
        queue(fail(email=f"{name}@example.com"), now=timezone.now())

    deliver_queued()

    assert {message.state for message in DunningMessage.objects.all()} == {"sent"}
    assert sorted(mail["To"] for mail in server.mails) == [
        "jo@example.com", "kim@example.com", "lou@example.com",
    ]  # fmt: skip
    assert len(set(server.callers)) == 1


def test_a_line_that_was_lost_between_two_mails_is_made_anew(
    server: MailServer, line: Line
) -> None:
    [first] = fates(line, 1)
    connection = line.open()
    assert isinstance(connection, EmailBackend)
    assert connection.connection
    assert connection.connection.sock
    connection.connection.sock.shutdown(socket.SHUT_RDWR)

    assert [first, *fates(line, 2)] == [Fate.TAKEN] * 3
    assert len(server.mails) == 3
    assert len(set(server.callers)) == 2


def test_after_a_refusal_the_next_mail_has_a_line_of_its_own(
    server: MailServer, line: Line
) -> None:
    server.to_content = "554 No"
    refused = fates(line, 1)
    server.to_content = "250 OK"

    assert [*refused, *fates(line, 1)] == [Fate.REFUSED, Fate.TAKEN]
    assert len(server.mails) == 1
    assert len(set(server.callers)) == 2


def test_no_server_is_kept_for_more_mails_than_it_may_count(
    server: MailServer, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "MAILS_OF_A_LINE", 2)

    assert fates(line, 5) == [Fate.TAKEN] * 5
    assert len(set(server.callers)) == 3


def test_a_server_that_is_gone_took_nothing_and_is_tried_again(
    settings: SettingsWrapper, line: Line
) -> None:
    with listening(settings) as server:
        assert fates(line, 1) == [Fate.TAKEN]
        port = settings.EMAIL_PORT
    assert fates(line, 1) == [Fate.OUTAGE]
    assert len(server.mails) == 1

    with listening(settings) as back:
        assert port != settings.EMAIL_PORT
        assert fates(line, 1) == [Fate.TAKEN]
    assert len(back.mails) == 1
