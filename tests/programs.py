"""The product's programs as far as they are loaded and about to serve or work, each in a process
of its own, and the database of the tests for who isn't the test itself."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from django.db import connection

ROOT = Path(__file__).resolve().parents[1]
_CELERY = (
    "import django; from celery import signals; import recover_project.celery; django.setup()"
)
# The worker's first process: where there is Redis, it only starts those that work.
STARTED = f"{_CELERY}; signals.worker_init.send(sender=None)"
BEGUN: Mapping[str, str] = MappingProxyType(
    {
        "web": "import recover_project.wsgi",
        "worker": STARTED,
        "beat": f"{_CELERY}; signals.beat_init.send(sender=None)",
    }
)


def printed(name: str, then: str, *, run_dir: Path, **settings: str) -> str:
    """What the program by the Procfile's `name` prints that has begun and `then` goes on so."""
    return printed_by(f"{BEGUN[name]}\n{then}", run_dir=run_dir, **settings)


def printed_by(code: str, *, run_dir: Path, **settings: str) -> str:
    """What the code prints, as a program of its own with these settings alone."""
    environment = {"PATH": os.environ["PATH"], "RUN_DIR": str(run_dir), **settings}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip


def database_url() -> str:
    """The address of the database that this test may write to."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
