"""What a web worker and a Celery worker hold after 100,000 requests and tasks, against what they
held after the first thousand.

BENCH_REQUESTS makes it shorter, to try it out.
"""

import os
import secrets
from contextlib import closing
from pathlib import Path

from redis import Redis

from benchmarks import events, load
from benchmarks.measuring import Comparison, Fact
from benchmarks.serving import Server, redis, running, served
from tests.journeys.product import wait_for

MANY, FEW = 100_000, 1_000
AT_ONCE = 1_000
MOST = 1.1
PAGES_OF_TEN = 5  # the others are events
# As many tasks as it is told to, one after the other, as the timetable and each event bring them.
TASKS = """
import sys, django; django.setup()
from recovery.tasks import process_inbox
from recover_project.celery import app
with app.producer_pool.acquire() as producer:
    for _ in range(int(sys.argv[1])):
        process_inbox.apply_async(producer=producer)
"""
QUEUE = "celery"


def run() -> list[Comparison | Fact]:
    many = int(os.environ.get("BENCH_REQUESTS", MANY))
    secret = f"whsec_{secrets.token_urlsafe(24)}"
    with redis() as url, served(REDIS_URL=url, WEB_WORKERS="1", WORKER_CONCURRENCY="1") as server:
        page, _logo = server.python("-m", "benchmarks.scene").split()
        path = server.python("-m", "benchmarks.open_door", secret).strip()
        worker = _worker(server, many)  # before there are events, which take it longer
        web = _web(server, page, path, secret, many)
        return [_grown("a web worker, requests", web), _grown("a Celery worker, tasks", worker)]


def _grown(what: str, held: list[int]) -> Comparison:
    return Comparison(what, "MB", held[-1] / 2**20, held[0] / 2**20, at_most=MOST, digits=1)


def _web(server: Server, page: str, path: str, secret: str, many: int) -> list[int]:
    """Bytes after the first thousand, and after all."""
    held = []
    for _thousand in range(many // AT_ONCE):
        asked = [load.get(page) for _one in range(AT_ONCE * PAGES_OF_TEN // 10)]
        told = events.signed(AT_ONCE - len(asked), path=path, secret=secret)
        load.per_second(port=server.port, requests=[*asked, *told])
        held.append(_bytes_of_children("granian", server))
    return held


def _worker(server: Server, many: int) -> list[int]:
    """As above."""
    broker = Redis.from_url(server.environment["REDIS_URL"])
    with running(server, "worker"), closing(broker):
        held = []
        for tasks in (FEW, many - FEW):
            server.python("-c", TASKS, str(tasks))
            wait_for(lambda: not broker.llen(QUEUE), seconds=tasks)
            held.append(_bytes_of_children("celery", server))
        return held


def _bytes_of_children(program: str, server: Server) -> int:
    """Resident, of the process that does the work: the largest of that server's."""
    found = [
        _resident(folder)
        for folder in Path("/proc").glob("[0-9]*")
        if _is_of(folder, program, server)
    ]
    if not found:
        raise RuntimeError(f"There is no process of {program}.")
    return max(found)


def _is_of(folder: Path, program: str, server: Server) -> bool:
    try:
        is_program = program.encode() in (folder / "cmdline").read_bytes()
        own = f"DATABASE_URL={server.environment['DATABASE_URL']}".encode()
        return is_program and own in (folder / "environ").read_bytes().split(b"\0")
    except OSError:  # it has ended, or is somebody else's
        return False


def _resident(folder: Path) -> int:
    pages = int((folder / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
