"""The product in a folder of its own, served by the real web server as often as is asked for."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from tests.journeys.product import ROOT, free_ports, is_closed, wait_for


@pytest.fixture(scope="session")
def migrated(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:  # fmt: skip
    """The embedded database as `migrate` leaves it, which takes many seconds and was done once."""
    path = tmp_path_factory.mktemp("migrated") / "recover.sqlite3"
    with django_db_blocker.unblock(), closing(sqlite3.connect(path)) as copy:
        connection.ensure_connection()
        connection.connection.backup(copy)
    return path


@dataclass(frozen=True)
class Installed:
    """`made` is what `create_merchant` printed."""

    environment: dict[str, str]
    made: dict[str, str]
    log: Path

    @classmethod
    def in_folder(cls, folder: Path, migrated: Path, **settings: str) -> "Installed":
        environment = {"PATH": os.environ["PATH"], "RUN_DIR": str(folder), **settings}
        shutil.copy(migrated, folder)
        made = manage(environment, "create_merchant", "Fern", "--json")
        return cls(environment, json.loads(made), folder / "log")

    @contextmanager
    def serving(self) -> Iterator[int]:
        """Its port."""
        port = free_ports(1)
        granian = str(Path(sys.executable).parent / "granian")
        with self.log.open("a") as log:
            process = subprocess.Popen(
                [granian, "--interface", "wsgi", "recover_project.wsgi:application",
                 "--port", str(port), "--blocking-threads", "4", "--no-ws"],
                cwd=ROOT, env=self.environment, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            wait_for(lambda: not is_closed(port))
            yield port
        finally:
            process.terminate()
            process.wait(20)


def manage(environment: dict[str, str], *arguments: str) -> str:
    """What `manage.py` prints."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout
