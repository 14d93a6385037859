"""What a page costs the database: how many questions, and how long it thinks about them."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.test import Client

NO_PAGES = frozenset({302, 403, 404, 405})  # it leads elsewhere, or is not to be looked at


@dataclass(frozen=True, slots=True)
class Cost:
    is_page: bool
    queries: int
    milliseconds: float


Ask = Callable[[], Cost]


class _Meter:
    def __init__(self) -> None:
        self.queries = 0
        self.seconds = 0.0

    def __call__(self, execute: Callable[..., Any], *question: Any) -> Any:
        begun = time.perf_counter()
        try:
            return execute(*question)
        finally:
            self.seconds += time.perf_counter() - begun
            self.queries += 1


def ask(client: Client, address: str) -> Cost:
    """Raises RuntimeError for a page that fails."""
    meter = _Meter()
    with connection.execute_wrapper(meter):
        answer = client.get(address, secure=True)
    if answer.status_code not in NO_PAGES | {200}:
        raise RuntimeError(f"{address} is answered {answer.status_code}.")
    return Cost(answer.status_code == 200, meter.queries, meter.seconds * 1000)


def logged_in(user: Any) -> Client:
    """Rows are read at once from then on: what a cursor of the server reads later is not seen."""
    connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] = True
    logging.getLogger("django.request").setLevel(logging.ERROR)  # of a 403, that it is no page
    client = Client(raise_request_exception=False)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client
