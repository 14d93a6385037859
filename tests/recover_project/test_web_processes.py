"""Where requests are counted, and how many processes may count them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import printed

ROOT = Path(__file__).resolve().parents[2]
REDIS = "redis://127.0.0.1:6379/0"


def procfile(name: str) -> str:
    lines = (ROOT / "Procfile").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines)[name]


@pytest.mark.parametrize(
    ("settings", "workers"),
    [
        ({}, []),  # one, granian's default: no other process could see its memory
        ({"WEB_WORKERS": "4"}, []),
        ({"REDIS_URL": ""}, []),
        ({"REDIS_URL": REDIS}, ["--workers", "2"]),
        ({"REDIS_URL": REDIS, "WEB_WORKERS": "4"}, ["--workers", "4"]),
    ],
)
def test_there_are_several_web_processes_only_where_they_count_together(
    settings: dict[str, str], workers: list[str]
) -> None:
    shown = procfile("web").replace("exec granian", "echo", 1)
    done = subprocess.run(
        ["sh", "-c", shown], env=settings, capture_output=True, text=True, check=True
    )

    words = done.stdout.split()
    assert [word for before, word in zip(["", *words], words, strict=False)
            if word == "--workers" or before == "--workers"] == workers  # fmt: skip


@pytest.mark.parametrize(("redis_url", "silenced"), [("", 2), (REDIS, 1)])
def test_django_has_no_complaint_of_either_store(
    tmp_path: Path, redis_url: str, silenced: int
) -> None:
    """With Redis, only that django-ratelimit hasn't heard of Django's own cache is silenced."""
    environment = {"PATH": os.environ["PATH"], "RUN_DIR": str(tmp_path), "REDIS_URL": redis_url}
    command = [sys.executable, "manage.py", "check", "--fail-level", "WARNING"]

    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout == f"System check identified no issues ({silenced} silenced).\n"


COUNT = "import gc; print(gc.get_freeze_count(), len(gc.get_objects()))"


@pytest.mark.parametrize("program", ["web", "worker"])
def test_nobody_waits_while_what_is_loaded_once_is_looked_through_for_garbage(
    tmp_path: Path, program: str
) -> None:
    kept, looked_through = map(int, printed(program, COUNT, run_dir=tmp_path).split())

    assert kept > 100 * looked_through
