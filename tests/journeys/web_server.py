"""The product in a folder of its own, served by the real web server as often as is asked for."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.journeys.product import ROOT, free_ports, is_closed, wait_for


@dataclass(frozen=True)
class Installed:
    """`made` is what `create_merchant` printed."""

    environment: dict[str, str]
    made: dict[str, str]
    log: Path

    @classmethod
    def in_folder(cls, folder: Path, **settings: str) -> "Installed":
        environment = {"PATH": os.environ["PATH"], "RUN_DIR": str(folder), **settings}
        manage(environment, "migrate", "--no-input", "--verbosity", "0")
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
