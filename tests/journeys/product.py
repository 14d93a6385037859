"""The whole product as `python3 dev.py run` starts it, for a test to use as people do."""

import email
import email.policy
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

from aiosmtpd.controller import Controller

ROOT = Path(__file__).resolve().parents[2]
STARTS_WITHIN = 90  # seconds; a loaded machine
STOPS_WITHIN = 30
HANGS_UP_WITHIN = 5
Found = TypeVar("Found")


class MailSink:
    """An SMTP server's handler that keeps what it is given."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's own name
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"


class TidyController(Controller):
    """It leaves no connection half open when it stops: that is complained of when it is
    collected, in another test."""

    def factory(self) -> Any:
        made = super().factory()  # type: ignore[no-untyped-call]
        self.connections = [*getattr(self, "connections", []), made]
        return made

    def hang_up(self) -> None:
        deadline = time.monotonic() + HANGS_UP_WITHIN
        for transport in [one.transport for one in self.connections if one.transport]:
            self.loop.call_soon_threadsafe(transport.abort)
        while any(one.transport for one in self.connections) and time.monotonic() < deadline:
            time.sleep(0.002)


@contextmanager
def mail_server(sink: MailSink | None = None) -> Iterator[tuple[int, MailSink]]:
    sink = sink or MailSink()
    controller = TidyController(sink, hostname="127.0.0.1", port=free_ports(1))
    controller.start()
    try:
        yield controller.port, sink
    finally:
        controller.hang_up()
        controller.stop()


def free_ports(how_many: int) -> int:
    """The first of some ports in a row that nobody listens on, from where the system takes none
    for connections."""
    for _try in range(100):
        first = random.randrange(12_000, 32_000 - how_many)
        if all(is_closed(port) for port in range(first, first + how_many)):
            return first
    raise RuntimeError("There are no free ports.")


def is_closed(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) != 0


@dataclass
class Product:
    """What `dev.py run` printed, and the process behind it."""

    process: subprocess.Popen[str]
    port: int
    log: Path
    said: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def stripe(self) -> str:
        return f"http://127.0.0.1:{self.port + 1}/"

    @property
    def internal_key(self) -> str:
        return self._said(r"X-Internal-Key: (\S+?)\"")

    @property
    def login(self) -> tuple[str, str]:
        return self._said(r"\((\S+@\S+), password"), self._said(r"password (\S+)\)")

    def _said(self, pattern: str) -> str:
        found = re.search(pattern, self.said)
        assert found, self.said
        return found.group(1)

    def dashboard(self) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self.url}/fourthngoal/recover/dashboard",
            headers={"X-Internal-Key": self.internal_key},
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            answer: dict[str, Any] = json.load(response)
        return answer

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(STOPS_WITHIN)


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Product]:
    """`dev.py run` with these settings and no others of ours, until it prints what to open."""
    port = free_ports(3)
    given = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment = given | {"PORT": str(port), "RUN_DIR": str(folder / "run")} | settings
    log = folder / "log"
    environment.setdefault("DEMO_DATA", "no")
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.demo"], cwd=ROOT, env=environment, text=True,
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    product = Product(process, port, log, environment=environment)
    try:
        product.said = wait_for(
            lambda: _after("Recover is running", product), seconds=STARTS_WITHIN
        )
        yield product
    finally:
        if process.poll() is None:
            product.stop(signal.SIGTERM)


def _after(words: str, product: Product) -> str:
    said = product.log.read_text()
    if product.process.poll() is not None:
        raise AssertionError(f"The product ended by itself:\n{said[-3000:]}")
    return said if words in said and "Ctrl-C" in said else ""


def wait_for(look: Callable[[], Found], *, seconds: float = 30, every: float = 0.1) -> Found:
    """What `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"Nothing came within {seconds:.0f} seconds.")
        time.sleep(every)
    return found
