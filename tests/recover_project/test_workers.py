"""Workers as the Procfile starts them: what they take first, and what they are made of."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
import redis
from django.db import connection

from benchmarks.serving import procfile
from recovery import clock
from recovery.models import Heartbeat
from tests.journeys.product import wait_for
from tests.programs import ROOT, database_url
from tests.redis_server import RedisServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
STARTS_WITHIN = 60  # seconds
POKES = 300
WORKER = "the-worker"  # as it calls itself before PostgreSQL
SENT = """
import sys, django
django.setup()
from dunning.tasks import deliver
from recovery import turns
from recovery.tasks import beat_heart, process_inbox
for number in range(int(sys.argv[1])):
    turns.poke(process_inbox, queue="inbox")
    turns.poke(deliver, queue="mails", message_id=-number)
beat_heart.delay()
"""


@pytest.fixture
def settings_of_programs(tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "RUN_DIR": str(tmp_path), "DATABASE_URL": database_url(), "LOG_LEVEL": "warning",
        "DJANGO_SETTINGS_MODULE": "recover_project.settings", "WORKER_CONCURRENCY": "1",
    }  # fmt: skip


@contextmanager
def worker(settings: dict[str, str]) -> Iterator[int]:
    """The process id of one, which stops when it is asked to."""
    command = ["sh", "-c", procfile()["worker"]]
    process = subprocess.Popen(command, cwd=ROOT, env=settings)
    try:
        yield process.pid
        process.terminate()
        assert process.wait(STARTS_WITHIN) == 0
    finally:
        process.kill()
        process.wait()


def send(settings: dict[str, str], *, pokes: int = 0) -> None:
    """So many pokes for either queue of these, and after them what beat asks for."""
    command = [sys.executable, "-c", SENT, str(pokes)]
    subprocess.run(command, cwd=ROOT, env=settings, check=True)


def children(pid: int) -> list[str]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [child for task in tasks for child in (task / "children").read_text().split()]


def sessions() -> set[int]:
    """The processes of PostgreSQL that serve the worker."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE application_name = %s", [WORKER])
        return {pid for (pid,) in cursor.fetchall()}


def hang_up(session: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [session])


def has_beaten(*, since: datetime) -> bool:
    return Heartbeat.objects.filter(beat_at__gte=since).exists()


def test_without_redis_a_worker_is_one_process_whose_death_leaves_no_other_waiting(
    settings_of_programs: dict[str, str],
) -> None:
    begun = clock.now()

    with worker(settings_of_programs) as pid:
        send(settings_of_programs)
        wait_for(lambda: has_beaten(since=begun), seconds=STARTS_WITHIN)

        assert children(pid) == []


def test_what_beat_asks_for_goes_before_any_number_of_pokes_and_events_before_mails(
    settings_of_programs: dict[str, str], redis_server: RedisServer
) -> None:
    settings = settings_of_programs | {"REDIS_URL": redis_server.url}
    begun = clock.now()
    send(settings, pokes=POKES)
    queues = redis.Redis.from_url(redis_server.url)
    assert (queues.llen("celery"), queues.llen("inbox"), queues.llen("mails")) == (1, POKES, POKES)

    with worker(settings):
        wait_for(lambda: has_beaten(since=begun), seconds=STARTS_WITHIN, every=0.01)
        assert queues.llen("inbox") > POKES * 0.8
        wait_for(lambda: not queues.llen("inbox"), seconds=STARTS_WITHIN, every=0.01)
        assert queues.llen("mails") > POKES * 0.8


def test_a_worker_keeps_its_connection_to_postgresql_from_task_to_task_until_that_one_breaks(
    settings_of_programs: dict[str, str], redis_server: RedisServer
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no sessions")
    settings = settings_of_programs | {"REDIS_URL": redis_server.url, "PGAPPNAME": WORKER}
    queues = redis.Redis.from_url(redis_server.url)
    send(settings, pokes=POKES)

    with worker(settings):
        wait_for(lambda: bool(sessions()), seconds=STARTS_WITHIN, every=0.01)
        kept = sessions()
        wait_for(lambda: not queues.llen("mails"), seconds=STARTS_WITHIN, every=0.01)
        assert sessions() == kept
        assert len(kept) == 1

        hang_up(*kept)
        begun = clock.now()
        send(settings)
        wait_for(lambda: has_beaten(since=begun), seconds=STARTS_WITHIN)
        assert not sessions() & kept
