"""Stripe's events are acknowledged ahead of Django, which spends as long on a request as storing
one takes: thousands come within minutes when a bank has a bad day.

Only what is stored without any question is answered here. Everything else, and whatever goes
wrong, goes on to Django and its view (recovery/webhooks.py), which does the same and says what is
wrong.
"""

import io
import re
import threading
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.db import DEFAULT_DB_ALIAS, connections

from recover_project.middleware import REQUEST_ID
from recovery.endpoints import WEBHOOK_PATH
from recovery.webhooks import ACKNOWLEDGED, LARGEST_BODY, announced, take_in

OF_A_MERCHANT = re.compile(r"m=(\w{1,40})", re.ASCII)
Headers = list[tuple[str, str]]


class Acknowledging:
    """In front of Django, whose own first acknowledgement tells the headers of all others."""

    def __init__(self, django: WSGIApplication) -> None:
        self._django = django
        self._headers: Headers | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not _is_event(environ):
            return self._django(environ, start_response)
        if self._headers is None:
            return self._django(environ, self._noting(start_response))
        body = environ["wsgi.input"].read(announced(environ["CONTENT_LENGTH"]))
        if not _is_taken_in(environ, body):
            return self._django({**environ, "wsgi.input": io.BytesIO(body)}, start_response)
        start_response("200 OK", self._headers)
        return [ACKNOWLEDGED]

    def _noting(self, start_response: StartResponse) -> StartResponse:
        def note(status: str, headers: Headers, *error: Any) -> Any:
            if status.startswith("200 "):
                # But for the name of that one request: who is answered here has none.
                self._headers = [one for one in headers if one[0] != REQUEST_ID]
            return start_response(status, headers, *error)

        return note


class _Lent:
    """The thread's connection to the database, given back when the thread ends: granian ends those
    that had nothing to do for half a minute, and no pool misses what it has lent."""

    def __init__(self) -> None:
        self._connection = connections[DEFAULT_DB_ALIAS]
        self._connection.inc_thread_sharing()  # whoever clears up after the thread may close it

    def __del__(self) -> None:
        self._connection.close()


_of_thread = threading.local()


def _is_event(environ: WSGIEnvironment) -> bool:
    length = announced(environ.get("CONTENT_LENGTH") or "")
    return (
        environ["PATH_INFO"] == WEBHOOK_PATH
        and environ["REQUEST_METHOD"] == "POST"
        and length is not None and length <= LARGEST_BODY
        and OF_A_MERCHANT.fullmatch(environ.get("QUERY_STRING", "")) is not None
    )  # fmt: skip


def _is_taken_in(environ: WSGIEnvironment, body: bytes) -> bool:
    """The thread keeps its connection for the next event, until Django answers something in it;
    one that the database has hung up on meanwhile is given up by Django, which connects anew."""
    if not hasattr(_of_thread, "lent"):
        _of_thread.lent = _Lent()
    try:
        take_in(
            body, header=environ.get("HTTP_STRIPE_SIGNATURE"),
            public_id=environ["QUERY_STRING"].removeprefix("m="),
        )  # fmt: skip
    except Exception:  # noqa: BLE001 - Django meets it again, and tells of it
        return False
    return True
