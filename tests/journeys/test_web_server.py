"""Requests as the real web server hands them on."""

import http.client
import json
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from recovery.signatures import sign
from tests.builders import DASHBOARD, DOCUMENTED_EXAMPLE
from tests.journeys.web_server import Installed, migrated

__all__ = ["migrated"]  # a fixture

LARGEST = 1024 * 1024


@dataclass(frozen=True)
class Server:
    port: int
    made: dict[str, str]

    @property
    def webhook(self) -> str:
        return self.made["webhook_url"].partition(":8000")[2]

    def post(self, body: bytes | Iterable[bytes], *, signed: bytes) -> tuple[int, Any]:
        """Bytes are sent with their length, an iterable in chunks without any."""
        secret, now = self.made["webhook_secret"], int(time.time())
        return self._ask(
            "POST", self.webhook, body,
            {"Stripe-Signature": sign(body=signed, secret=secret, timestamp=now)},
        )  # fmt: skip

    def events(self) -> list[Any]:
        key = self.made["internal_key"]
        return self._ask("GET", DASHBOARD, None, {"X-Internal-Key": key})[1]["events"]  # type: ignore[no-any-return]

    def _ask(
        self, method: str, address: str, body: Any, headers: dict[str, str]
    ) -> tuple[int, Any]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            is_chunked = not isinstance(body, bytes | None)
            connection.request(method, address, body, headers, encode_chunked=is_chunked)
            with connection.getresponse() as answer:
                return answer.status, json.load(answer)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[Server]:
    product = Installed.in_folder(tmp_path_factory.mktemp("server"), migrated)
    with product.serving() as port:
        yield Server(port, product.made)


def chunks(body: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def example(number: int, *, padding: int = 0) -> bytes:
    event = DOCUMENTED_EXAMPLE | {"id": f"evt_{number}", "padding": "x" * padding}
    return json.dumps(event).encode()


@pytest.mark.parametrize("size", [1, 100, 65_536])
def test_a_signed_event_in_chunks_is_taken_in(server: Server, size: int) -> None:
    body = example(size)

    assert server.post(chunks(body, size), signed=body) == (200, {"received": True})


def test_an_event_in_chunks_is_held_to_its_signature(server: Server) -> None:
    status, answer = server.post(chunks(example(1), 100), signed=example(2))

    assert (status, answer["error"]["code"]) == (400, "invalid_signature")


@pytest.mark.parametrize("is_chunked", [True, False])
def test_the_largest_event_is_taken(server: Server, is_chunked: bool) -> None:
    largest = example(3, padding=LARGEST - len(example(3)))
    assert len(largest) == LARGEST
    sent = chunks(largest, 65_536) if is_chunked else largest

    assert server.post(sent, signed=largest)[0] == 200


def test_a_larger_event_in_chunks_is_not_taken(server: Server) -> None:
    larger = example(4, padding=LARGEST + 1 - len(example(4)))

    assert server.post(chunks(larger, 65_536), signed=larger)[0] == 413


def test_a_larger_event_is_refused_by_its_length_before_it_is_sent(server: Server) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)) as connection:
        connection.putrequest("POST", server.webhook)
        connection.putheader("Content-Length", str(LARGEST + 1))
        connection.endheaders()
        with connection.getresponse() as answer:
            assert answer.status == 413


def test_a_request_without_a_body_needs_no_length(server: Server) -> None:
    assert server.events() == []
