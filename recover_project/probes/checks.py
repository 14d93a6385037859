"""Whether this process can do its work: each check says so in time, and why not to the log alone.

What answers a probe is read by anybody who reaches it, so it names no host and quotes no error.
"""

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import redis
from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from recovery import heartbeats

logger = logging.getLogger(__name__)

STATEMENT_MS = 2_000  # a database that takes longer than this serves no customer
BROKER_SECONDS = 1.0  # to connect, and again to answer
# The timetable beats every 15 seconds; the longest piece of work, a batch of events, is through
# in less than a minute.
LATEST_BEAT = timedelta(minutes=2)


class NotReadyError(Exception):
    """What is amiss, in words for the log."""


@dataclass(frozen=True)
class Verdict:
    is_ok: bool
    took_ms: int


def database() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"SET LOCAL statement_timeout = {STATEMENT_MS}")
        cursor.execute("SELECT 1")


_is_in_step: set[str] = (
    set()
)  # the databases that were seen in step: code never grows while it runs


def migrations() -> None:
    """Whether the tables are those that this code was written for."""
    if connection.alias in _is_in_step:
        return
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise NotReadyError("Migrations are to be applied: run `manage.py migrate`.")
    _is_in_step.add(connection.alias)


def broker() -> None:
    if settings.REDIS_URL:
        client = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=BROKER_SECONDS,
            socket_connect_timeout=BROKER_SECONDS, retry=None,
        )  # fmt: skip
        with client:
            client.ping()
        return
    folder = Path(settings.RUN_DIR) / "broker" / "queue"
    if not os.access(folder, os.W_OK):
        raise NotReadyError(f"The folder of the embedded broker can't be written to: {folder}.")


def worker() -> None:
    beat = heartbeats.last_beat()
    if beat is None:
        raise NotReadyError("No worker has ever beaten: start `worker` and `beat`.")
    if timezone.now() - beat > LATEST_BEAT:
        raise NotReadyError(f"The last worker's beat was at {beat.isoformat()}.")


CHECKS: Mapping[str, Callable[[], None]] = MappingProxyType(
    {"database": database, "migrations": migrations, "broker": broker, "worker": worker}
)


def run() -> dict[str, Verdict]:
    """Each check by its name. What needs the database isn't asked where that is away."""
    verdicts: dict[str, Verdict] = {}
    for name, check in CHECKS.items():
        needs_database = name in {"migrations", "worker"}
        if needs_database and not verdicts["database"].is_ok:
            verdicts[name] = Verdict(is_ok=False, took_ms=0)
        else:
            verdicts[name] = _verdict(name, check)
    return verdicts


def _verdict(name: str, check: Callable[[], None]) -> Verdict:
    began = time.monotonic()
    try:
        check()
    except Exception as error:  # noqa: BLE001 - whatever it is, this process isn't ready
        logger.warning("Not ready: %s: %s: %s", name, type(error).__name__, error)
        is_ok = False
    else:
        is_ok = True
    return Verdict(is_ok, round((time.monotonic() - began) * 1000))
