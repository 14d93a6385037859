"""Without Redis a worker is one process: there is no child whose death would stop the others."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.serving import procfile
from recovery import clock
from recovery.models import Heartbeat
from tests.journeys.product import wait_for
from tests.programs import ROOT, database_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
FAR = 60  # seconds


@contextmanager
def worker(run_dir: Path) -> Iterator[int]:
    """The process id of one that the Procfile starts, which stops when it is asked to."""
    binaries = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(
        ["sh", "-c", procfile()["worker"]], cwd=ROOT,
        env={"PATH": binaries, "RUN_DIR": str(run_dir), "DATABASE_URL": database_url()},
    )  # fmt: skip
    try:
        yield process.pid
        process.terminate()
        assert process.wait(FAR) == 0
    finally:
        process.kill()


def beat(run_dir: Path) -> None:
    """What beat asks for, in a process of its own that has this broker."""
    code = (
        "import django; django.setup(); from recovery.tasks import beat_heart; beat_heart.delay()"
    )
    environment = {
        "PATH": os.environ["PATH"], "RUN_DIR": str(run_dir), "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "recover_project.settings",
    }  # fmt: skip
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)


def children(pid: int) -> list[str]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [child for task in tasks for child in (task / "children").read_text().split()]


def test_it_works_and_stops_by_itself_alone(tmp_path: Path) -> None:
    begun = clock.now()

    with worker(tmp_path) as pid:
        beat(tmp_path)
        wait_for(lambda: Heartbeat.objects.filter(beat_at__gte=begun).exists(), seconds=FAR)

        assert children(pid) == []
