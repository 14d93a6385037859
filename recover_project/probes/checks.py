"""Whether this process can do its work: each check says so in time, and why not to the log alone.

What answers a probe is read by anybody who reaches it, so it names no host and quotes no error.
"""

import logging
import tempfile
import threading
from datetime import timedelta
from pathlib import Path

import redis
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from recover_project.probes.looks import Look, Verdict
from recover_project.probes.patience import statements_end_within
from recovery import clock, heartbeats

logger = logging.getLogger(__name__)

ANSWERS_WITHIN = 3.0  # seconds: all of the checks together, whatever hangs
STATEMENT_SECONDS = 2.0  # a database that takes longer than this serves no customer
BROKER_SECONDS = 1.0  # to connect, and again to answer
# Eight beats of the timetable. Whatever else is due waits as long as a beat does, so this is as
# late as mail and charges may be before it is a fault; a restart of worker and beat is shorter.
LATEST_BEAT = timedelta(minutes=2)

_telling = threading.Lock()
_was_ok: dict[str, bool] = {}
# Databases that were seen in step: the code of a process never grows while it runs.
_in_step: set[str] = set()


class NotReadyError(Exception):
    """What is amiss, in words for the log."""


def database() -> None:
    with statements_end_within(seconds=STATEMENT_SECONDS), connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def migrations() -> None:
    """Whether the tables are those that this code was written for."""
    if connection.alias in _in_step:
        return
    with statements_end_within(seconds=STATEMENT_SECONDS):
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise NotReadyError("Migrations are to be applied: run `manage.py migrate`.")
    _in_step.add(connection.alias)


def worker() -> None:
    with statements_end_within(seconds=STATEMENT_SECONDS):
        beat = heartbeats.last_beat()
    if beat is None:
        raise NotReadyError("No worker has ever beaten: start `worker` and `beat`.")
    if clock.now() - beat > LATEST_BEAT:
        raise NotReadyError(f"The last worker's beat was at {beat.isoformat()}.")


def broker() -> None:
    if settings.REDIS_URL:
        _ping(settings.REDIS_URL)
        return
    folder = Path(settings.RUN_DIR) / "broker" / "queue"
    folder.mkdir(parents=True, exist_ok=True)  # as who first sends a message does
    with tempfile.TemporaryFile(dir=folder) as file:  # a full disk is out of order too
        file.write(b"is there room?")


def _ping(url: str) -> None:
    with redis.Redis.from_url(
        url, socket_timeout=BROKER_SECONDS, socket_connect_timeout=BROKER_SECONDS, retry=None
    ) as client:
        client.ping()


LOOKS = (
    Look({"database": database, "migrations": migrations, "worker": worker}),
    Look({"broker": broker}),
)


def run() -> dict[str, Verdict]:
    """Each check by its name."""
    begun = [look.begin() for look in LOOKS]
    verdicts = {
        name: verdict for look in begun for name, verdict in look.verdicts(within=ANSWERS_WITHIN)
    }
    for name, verdict in verdicts.items():
        _tell(name, verdict)
    return verdicts


def _tell(name: str, verdict: Verdict) -> None:
    """The log hears of what changed, not of every probe: they come every few seconds."""
    with _telling:
        is_news = _was_ok.get(name, True) is not verdict.is_ok
        _was_ok[name] = verdict.is_ok
    if is_news and verdict.is_ok:
        logger.warning("Ready again: %s.", name)
    elif is_news:
        logger.warning("Not ready: %s: %s", name, verdict.why)
