"""A real mail server on this machine that answers as a test says."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pytest_django import Settings as SettingsWrapper

from tests.journeys import product
from tests.journeys.product import MailSink
from tests.threads import WAITS

TAKEN = "250 OK"


class MailServer(MailSink):
    """It answers as a test says and keeps what it took."""

    def __init__(self) -> None:
        super().__init__()
        self.to_sender = self.to_recipient = self.to_content = TAKEN
        self.recipients: list[str] = []
        self.callers: list[object] = []  # who was at the other end of the line, for each mail
        self.has_mail, self.may_answer = threading.Event(), threading.Event()
        self.may_answer.set()

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's own name
        self, _server: object, session: Any, envelope: Any, address: str, _options: object
    ) -> str:
        self.callers.append(session.peer)
        if self.to_sender == TAKEN:
            envelope.mail_from = address
        return self.to_sender

    async def handle_RCPT(  # noqa: N802
        self, _server: object, _session: object, envelope: Any, address: str, _options: object
    ) -> str:
        if self.to_recipient == TAKEN:
            envelope.rcpt_tos.append(address)
            self.recipients.append(address)
        return self.to_recipient

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: N802
        self.has_mail.set()
        self.may_answer.wait(WAITS)
        if self.to_content == TAKEN:
            return await super().handle_DATA(server, session, envelope)
        return self.to_content


@contextmanager
def listening(settings: SettingsWrapper) -> Iterator[MailServer]:
    """Django's own SMTP backend talks to it."""
    server = MailServer()
    with product.mail_server(server) as (port, _sink):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        yield server
        server.may_answer.set()
