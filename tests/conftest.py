"""What every test relies on: a closed world, cheap passwords, a Redis on request."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.suite import is_ci

# Playwright's event loop runs in the thread of the test, which Django would refuse.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

DATABASE_FIXTURES = {"db", "transactional_db", "live_server"}
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
REDIS_STARTS_WITHIN = 10  # seconds


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The pass on PostgreSQL repeats only what a database can change."""
    if os.environ.get("RECOVER_TESTS") != "database":
        return
    others = [item for item in items if not _uses_a_database(item)]
    items[:] = [item for item in items if _uses_a_database(item)]
    config.hook.pytest_deselected(items=others)


def _uses_a_database(item: pytest.Item) -> bool:
    from django.test import TransactionTestCase

    if item.get_closest_marker("any_database") is not None:
        return False
    return (
        item.get_closest_marker("django_db") is not None
        or item.get_closest_marker("journey") is not None
        or not DATABASE_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))
        or issubclass(getattr(item, "cls", None) or object, TransactionTestCase)
    )


class OutsideWorldError(RuntimeError):
    """A test tried to reach another machine. No OSError: nothing may take it for an outage."""


@pytest.fixture(scope="session", autouse=True)
def _no_outside_world() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        yield


def _guarded(connect: Any) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in {socket.AF_INET, socket.AF_INET6} and address[0] not in LOOPBACK:
            raise OutsideWorldError(f"Tests reach this machine only, not {address[0]}.")
        return connect(self, address)

    return guarded


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    from django.test import override_settings

    hasher = "django.contrib.auth.hashers.MD5PasswordHasher"
    with override_settings(PASSWORD_HASHERS=[hasher]):
        yield


@pytest.fixture(scope="session", autouse=True)
def _requests_are_counted_here() -> Iterator[None]:
    """In this process, whatever Redis there is: the tests of that one name it themselves."""
    from django.test import override_settings

    cache = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    with override_settings(CACHES={"default": cache}):
        yield


@pytest.fixture(autouse=True)
def _nobody_has_asked_before(_requests_are_counted_here: None) -> None:
    from django.core.cache import cache

    cache.clear()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis that keeps nothing: REDIS_URL's, else one started for this test process."""
    if given := os.environ.get("REDIS_URL"):
        yield given
        return
    program = shutil.which("redis-server")
    if program is None:
        reason = "redis-server is not installed (Debian: apt-get install redis-server)."
        if is_ci():
            pytest.fail(reason)
        pytest.skip(reason)
    port = _free_port()
    process = _start_redis(program, port=port, folder=tmp_path_factory.mktemp("redis"))
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _start_redis(program: str, *, port: int, folder: Path) -> subprocess.Popen[bytes]:
    settings = {
        "bind": "127.0.0.1", "port": str(port), "dir": str(folder),
        "save": "", "appendonly": "no", "logfile": str(folder / "log"),
    }  # fmt: skip
    options = [part for name, value in settings.items() for part in (f"--{name}", value)]
    process = subprocess.Popen([program, *options])
    deadline = time.monotonic() + REDIS_STARTS_WITHIN
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            pytest.fail(f"redis-server did not start: {(folder / 'log').read_text()[-500:]}")
        time.sleep(0.05)
    return process


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


@pytest.fixture(scope="session", autouse=True)
def _pokes_go_nowhere() -> None:
    """Tests call tasks themselves; what the product enqueues stays in this process."""
    from recover_project.celery import app

    app.conf.update(broker_url="memory://localhost//", broker_transport_options={})
