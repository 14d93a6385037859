"""A merchant's own endpoint on this machine, which answers as a test says."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from django.utils import timezone
from pytest_django import Settings as SettingsWrapper

from recovery import webhook_registrations
from recovery.models import Merchant, WebhookRegistration
from recovery.outbound_events import CHOOSABLE

Behavior = Callable[[socket.socket], None]


@dataclass(frozen=True)
class Request:
    target: str
    headers: dict[str, str]
    body: bytes


def says(status: int, *lines: str, body: bytes = b"") -> Behavior:
    head = "\r\n".join([f"HTTP/1.1 {status} Said", *lines, f"Content-Length: {len(body)}", "", ""])
    return lambda connection: connection.sendall(head.encode() + body)


def sends(raw: bytes) -> Behavior:
    return lambda connection: connection.sendall(raw)


def resets(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def waits(connection: socket.socket) -> None:
    """Silent until the other side goes away."""
    connection.recv(1)


def drips(connection: socket.socket) -> None:
    """Never silent for long, and never done."""
    for _ in range(2000):
        connection.sendall(b"HTTP/1.1 200 OK\r\n"[:1])
        time.sleep(0.02)


def floods(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
    for _ in range(10_000):
        connection.sendall(b"x" * 65_536)


class Receiver:
    """Keeps what it was sent; `behaviors` are in turn, and the last one stays."""

    def __init__(self, server: socket.socket) -> None:
        self.server = server
        self.requests: list[Request] = []
        self.behaviors: list[Behavior] = [says(204)]
        self.port: int = server.getsockname()[1]
        self.sent_bytes = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.server.accept()
                threading.Thread(target=self.answer, args=[connection], daemon=True).start()

    def answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(20)
            request = read(connection)
            if request is None:
                return
            self.requests.append(request)
            behavior = self.behaviors.pop(0) if len(self.behaviors) > 1 else self.behaviors[0]
            behavior(connection)
            if behavior is not resets:
                connection.shutdown(socket.SHUT_WR)
                connection.recv(1)  # until the other side has read


def read(connection: socket.socket) -> Request | None:
    stream = connection.makefile("rb")
    first = stream.readline().decode()
    if not first:
        return None
    headers = {}
    while line := stream.readline().decode().strip():
        name, _, value = line.partition(": ")
        headers[name] = value
    body = stream.read(int(headers["Content-Length"]))
    return Request(first.split(" ")[1], headers, body)


@contextmanager
def listening() -> Iterator[Receiver]:
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        receiver = Receiver(server)
        threading.Thread(target=receiver.serve, daemon=True).start()
        try:
            yield receiver
        finally:
            server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def receiver(settings: SettingsWrapper) -> Iterator[Receiver]:
    settings.WEBHOOKS_TO_LOOPBACK = True
    with listening() as running:
        yield running


def registered(
    merchant: Merchant, receiver: Receiver | None = None, *event_types: str
) -> WebhookRegistration:
    registration, _secret = webhook_registrations.register(
        merchant=merchant, event_types=event_types or CHOOSABLE, now=timezone.now(),
        url=receiver.url if receiver else "https://hooks.example.com/recover",
    )  # fmt: skip
    return registration
