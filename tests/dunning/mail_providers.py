"""A mail provider on this machine that answers as a test says."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pytest_django import Settings as SettingsWrapper

HANGS = 1.0  # seconds; longer than IMPATIENT waits for an answer
IMPATIENT = (1, HANGS / 4)
TAKEN: dict[str, dict[str, Any]] = {
    "postmark": {"ErrorCode": 0, "Message": "OK", "MessageID": "pm-1", "To": "jo@example.com"},
    "mailgun": {"id": "<mg-1@mail.fern.example>", "message": "Queued. Thank you."},
}
KEYS = {
    "postmark": {"POSTMARK_SERVER_TOKEN": "token"},
    "mailgun": {"MAILGUN_API_KEY": "key", "MAILGUN_SENDER_DOMAIN": "mail.fern.example"},
}


class MailProvider:
    """`answers` are (status, body) in order, then `taken` for ever. "hang" and "cut" are answers
    of a provider that has the mail and is lost before it says so."""

    def __init__(self, taken: dict[str, Any]) -> None:
        self.taken = taken
        self.answers: list[tuple[int, Any] | str] = []
        self.requests: list[bytes] = []
        self.url = ""

    def answer(self) -> tuple[int, Any] | str:
        return self.answers.pop(0) if self.answers else (200, self.taken)


@contextmanager
def listening(settings: SettingsWrapper, provider: str) -> Iterator[MailProvider]:
    """django-anymail's own backend talks to it."""
    fake = MailProvider(TAKEN[provider])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            fake.requests.append(self.rfile.read(int(self.headers["Content-Length"])))
            answer = fake.answer()
            if isinstance(answer, str):
                time.sleep(HANGS if answer == "hang" else 0)
                return
            status, body = answer
            told = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}/"
    settings.EMAIL_BACKEND = f"anymail.backends.{provider}.EmailBackend"
    settings.ANYMAIL = {
        **settings.ANYMAIL, **KEYS[provider], f"{provider.upper()}_API_URL": fake.url,
        "REQUESTS_TIMEOUT": (5, 20),
    }  # fmt: skip
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
