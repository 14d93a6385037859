"""The product as in production: granian as the Procfile starts it, PostgreSQL that loses nothing,
Redis, no DEBUG."""

import os
import secrets
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
from cryptography.fernet import Fernet
from psycopg import sql

from tests.journeys.product import free_ports, is_closed, wait_for
from tests.program_logs import kept_aside
from tests.redis_server import RedisServer
from tests.suite import postgresql

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
STARTS_WITHIN = 60  # seconds
PRODUCT = "recover_project.wsgi:application"


@dataclass(frozen=True)
class Server:
    """`program` is what granian serves, run by `python`'s environment."""

    port: int
    environment: Mapping[str, str]
    program: str = PRODUCT
    interpreter: str = sys.executable

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def folder(self) -> Path:
        return Path(self.environment["RUN_DIR"])

    def python(self, *arguments: str) -> str:
        """What a program prints that sees the server's database."""
        with kept_aside(self.folder) as log:
            return subprocess.run(
                [self.interpreter, *arguments], cwd=ROOT, env=dict(self.environment), text=True,
                stdout=subprocess.PIPE, stderr=log, check=True,
            ).stdout  # fmt: skip


@contextmanager
def served(**settings: str) -> Iterator[Server]:
    with prepared(**settings) as server, web(server):
        yield server


@contextmanager
def prepared(**settings: str) -> Iterator[Server]:
    """With a database of its own and nobody at the door yet: what programs see."""
    with tempfile.TemporaryDirectory(prefix="recover-bench-") as folder, _database() as url:
        server = Server(free_ports(1), environment(folder, url) | settings)
        server.python("manage.py", "migrate", "--no-input", "--verbosity", "0")
        yield server


@contextmanager
def redis() -> Iterator[str]:
    """The URL of a Redis that is gone afterwards."""
    folders = tempfile.TemporaryDirectory(prefix="recover-bench-redis-")
    with folders as folder, RedisServer(Path(folder)) as server:
        yield server.url


def beside(
    server: Server, program: str, interpreter: str = sys.executable, **settings: str
) -> Server:
    """Another program on the same database, to be served as the product is."""
    return replace(
        server, port=free_ports(1), environment={**server.environment, **settings},
        program=program, interpreter=interpreter,
    )  # fmt: skip


def environment(folder: str, database_url: str) -> dict[str, str]:
    """As in production, with a `folder` to run in, and of this process's own only what programs
    need."""
    kept = ("BENCH_CASES", "BENCH_EVENTS", "BENCH_REQUESTS", "HOME", "LANG", "XDG_RUNTIME_DIR")
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "PATH": programs,
        "RUN_DIR": folder,
        "DEBUG": "false",
        "DATABASE_URL": database_url,
        "SECRET_KEY": secrets.token_urlsafe(48),
        "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "PUBLIC_URL": "https://pay.example.com",
        "ALLOWED_HOSTS": f"{HOST},testserver",
        "EMAIL_URL": "smtp://127.0.0.1:1",
        "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
    }


@contextmanager
def stub(module: str, *told: str | Path) -> Iterator[int]:
    """The port at which a stub of ours listens, in a process of its own that is `told` more."""
    port = free_ports(1)
    command = [sys.executable, "-m", module, str(port), *map(str, told)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        wait_for(lambda: not is_closed(port))
        yield port
    finally:
        process.terminate()
        process.wait()


@contextmanager
def web(server: Server) -> Iterator[None]:
    command = procfile()["web"].replace(PRODUCT, server.program)
    granian = shlex.quote(str(Path(server.interpreter).parent / "granian"))
    with kept_aside(server.folder) as log:
        process = subprocess.Popen(
            ["sh", "-c", command.replace("granian", granian, 1)], cwd=ROOT, stdout=log, stderr=log,
            env={**server.environment, "HOST": HOST, "PORT": str(server.port)},
        )  # fmt: skip
        try:
            wait_for(lambda: not is_closed(server.port), seconds=STARTS_WITHIN)
            yield
        finally:
            process.terminate()
            process.wait()


@contextmanager
def running(server: Server, *names: str) -> Iterator[None]:
    """What the Procfile calls by these names and that listens nowhere."""
    with kept_aside(server.folder) as log:
        processes = [
            subprocess.Popen(
                ["sh", "-c", procfile()[name]], cwd=ROOT, env=dict(server.environment),
                stdout=log, stderr=log,
            )
            for name in names
        ]  # fmt: skip
        try:
            yield
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()


def procfile() -> dict[str, str]:
    """What production runs, by the process's name."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if line)


@contextmanager
def _database() -> Iterator[str]:
    """A database of its own, gone afterwards, on the server that DATABASE_URL names, else on one
    that is gone afterwards too."""
    name = f"recover_bench_{secrets.token_hex(4)}"
    with postgresql(is_lasting=True) as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield _renamed(url, name)
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            connection.execute(drop)


def _renamed(url: str, name: str) -> str:
    """The same server, another database."""
    address, mark, options = url.partition("?")
    return f"{address.rpartition('/')[0]}/{name}{mark}{options}"
