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
BEGUN: Mapping[str, str] = MappingProxyType(
    {
        "web": "import recover_project.wsgi",
        # Its first process: where there is Redis, it only starts those that work.
        "worker": f"{_CELERY}; signals.worker_init.send(sender=None)",
        "beat": f"{_CELERY}; signals.beat_init.send(sender=None)",
    }
)


def printed(name: str, then: str, *, run_dir: Path, **settings: str) -> str:
    """What the program by the Procfile's `name` prints that has begun and `then` goes on so."""
    environment = {"PATH": os.environ["PATH"], "RUN_DIR": str(run_dir), **settings}
    return subprocess.run(
        [sys.executable, "-c", f"{BEGUN[name]}\n{then}"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip


def database_url() -> str:
    """The address of the database that this test may write to."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
