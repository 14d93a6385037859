"""What a process does that finds no database, for as long as there is none."""

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import psycopg
import psycopg_pool.base
import pytest
from django.db import DatabaseError, connection
from django.db.backends.postgresql.base import DatabaseWrapper

from tests.journeys.product import wait_for

TIME = 0.1  # of what each wait takes in production
OUTAGE = 35 * TIME  # seconds; tried twice as late each time, the pool would wait for 28 more
BY_DEFAULT = 300  # seconds, psycopg_pool's reconnect_timeout


@pytest.fixture
def pooled(monkeypatch: pytest.MonkeyPatch) -> Iterator[DatabaseWrapper]:
    """The product's database, with a pool of its own whose waits are shorter."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no pool")
    monkeypatch.setattr(psycopg_pool.base.AttemptWithBackoff, "INITIAL_DELAY", TIME)
    settings = connection.settings_dict
    pool = settings["OPTIONS"]["pool"]
    shorter = {
        "timeout": pool["timeout"] * TIME,
        "reconnect_timeout": pool.get("reconnect_timeout", BY_DEFAULT) * TIME,
    }
    options = settings["OPTIONS"] | {"pool": pool | shorter}
    wrapper = DatabaseWrapper(settings | {"OPTIONS": options}, alias="short of patience")
    yield wrapper
    wrapper.close()
    wrapper.close_pool()


@pytest.mark.django_db(transaction=True)
def test_a_database_that_was_away_for_long_is_found_as_soon_as_it_is_back(
    pooled: DatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[float] = []
    is_back_at = time.monotonic() + OUTAGE
    monkeypatch.setattr(psycopg.Connection, "connect", _away_until(is_back_at, tried))

    wait_for(lambda: _is_found(pooled), seconds=3 * OUTAGE, every=0)

    assert tried[-1] >= is_back_at
    longest = max(later - earlier for earlier, later in pairwise(tried))
    patience = pooled.settings_dict["OPTIONS"]["pool"]["timeout"]
    assert longest < 0.7 * patience


def _away_until(moment: float, tried: list[float]) -> Callable[..., Any]:
    connect = psycopg.Connection.connect

    def connected(*args: Any, **kwargs: Any) -> Any:
        tried.append(time.monotonic())
        if tried[-1] < moment:
            raise psycopg.OperationalError("connection refused")
        return connect(*args, **kwargs)

    return connected


def _is_found(database: DatabaseWrapper) -> bool:
    try:
        database.ensure_connection()
    except DatabaseError:
        return False
    return True
