"""What every test relies on: a closed world, cheap passwords, a Redis on request."""

import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.canaries import Listener
from tests.examples import examples
from tests.redis_server import RedisServer

# How long an example takes says more of the machine than of the product.
settings.register_profile(
    "any machine", settings.default, deadline=None, max_examples=examples(100),
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
settings.load_profile("any machine")

# Playwright's event loop runs in the thread of the test, which Django would refuse.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

JOURNEYS = Path(__file__).parent / "journeys"
DATABASE_FIXTURES = {"db", "transactional_db", "live_server"}
ON_THE_EMBEDDED_ONE_TOO = ("any_database", "both_databases", "journey")
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Each of the suite's passes (tests/suite.py) runs its own; who calls pytest runs all that
    are named, on the database at hand."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()) or JOURNEYS in item.path.parents:
            item.add_marker(pytest.mark.no_cover)  # the others run all of it as well
    is_run = {"embedded": _is_for_the_embedded_one, "postgresql": _is_for_postgresql}.get(
        os.environ.get("RECOVER_TESTS", "")
    )
    if is_run:
        config.hook.pytest_deselected(items=[item for item in items if not is_run(item)])
        items[:] = [item for item in items if is_run(item)]


def _is_for_the_embedded_one(item: pytest.Item) -> bool:
    return not _asks_a_database(item) or any(
        item.get_closest_marker(name) for name in ON_THE_EMBEDDED_ONE_TOO
    )


def _is_for_postgresql(item: pytest.Item) -> bool:
    return _asks_a_database(item) and item.get_closest_marker("any_database") is None


def _asks_a_database(item: pytest.Item) -> bool:
    from django.test import TransactionTestCase

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
def _tables_are_emptied_quickly() -> Iterator[None]:
    from django.test import TransactionTestCase

    from tests.emptying import empty_tables

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_tables)
        yield


@pytest.fixture(scope="session", autouse=True)
def _requests_are_counted_here() -> Iterator[None]:
    """In this process, whatever Redis there is: the tests of that one name it themselves."""
    from django.test import override_settings

    cache = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    with override_settings(CACHES={"default": cache, "limits": cache}):
        yield


@pytest.fixture(autouse=True)
def _nobody_has_asked_before(_requests_are_counted_here: None) -> None:
    from django.core.cache import cache

    cache.clear()  # of both: they are one process's


@pytest.fixture(scope="session")
def _listener() -> Iterator[Listener]:
    listener = Listener()
    logging.getLogger().addHandler(listener)
    yield listener
    logging.getLogger().removeHandler(listener)


@pytest.fixture(autouse=True)
def _no_log_names_anybody_or_shows_a_secret(_listener: Listener) -> Iterator[None]:
    yield
    found, _listener.found = _listener.found, []
    assert found == []


@pytest.fixture(autouse=True)
def _secrets_are_read_for_each_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test changes holds for the next line of it."""
    from recovery import doors

    monkeypatch.setattr(doors, "LIFETIME", 0)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis that keeps nothing: REDIS_URL's, else one started for this test process."""
    if given := os.environ.get("REDIS_URL"):
        yield given
        return
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of one's own, to be stopped and started."""
    with RedisServer(tmp_path) as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def _pokes_go_nowhere() -> None:
    """Tests call tasks themselves; what the product enqueues stays in this process."""
    from recover_project.celery import app

    app.conf.update(broker_url="memory://localhost//", broker_transport_options={})


@pytest.fixture(scope="session", autouse=True)
def _a_turn_is_as_long_as_it_takes() -> None:
    """A task that a test calls ends when nothing is left; how long that takes isn't asked."""
    from recovery import turns

    turns.SHORT = turns.LONG = 3600
