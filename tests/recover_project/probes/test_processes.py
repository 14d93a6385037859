"""A real process whose database never answers, or isn't there, still says so in time."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from recover_project.probes import checks

ROOT = Path(__file__).resolve().parents[3]
ASK = """
import json, time
import django
django.setup()
from django.test import Client
Client().get("/healthz")  # all that is loaded once
answers = {}
for path in ("/readyz", "/readyz", "/healthz"):
    began = time.monotonic()
    answer = Client(headers={"Host": "127.0.0.1"}).get(path)
    answers.setdefault(path, []).append(
        [answer.status_code, time.monotonic() - began, answer.content.decode()]
    )
print(json.dumps(answers))
"""


def answers(run_dir: Path, **settings: str) -> dict[str, list[tuple[int, float, str]]]:
    """Status, seconds and text of each answer of a process of its own, by path."""
    environment = {
        "PATH": os.environ["PATH"], "RUN_DIR": str(run_dir),
        "DJANGO_SETTINGS_MODULE": "recover_project.settings", **settings,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=100,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.parametrize("is_there", [True, False], ids=["it never answers", "it is not there"])
def test_without_a_database_a_process_says_in_time_that_it_is_alive_and_not_ready(
    tmp_path: Path, mute_port: int, is_there: bool
) -> None:
    port = mute_port if is_there else 1
    told = answers(
        tmp_path, DATABASE_URL=f"postgres://somebody:pass-word@127.0.0.1:{port}/recover"
    )

    for status, seconds, text in told["/readyz"]:
        shown = json.loads(text)
        assert status == 503
        assert seconds < checks.ANSWERS_WITHIN + 1
        assert {name: each["ok"] for name, each in shown["checks"].items()} == {
            "database": False, "migrations": False, "worker": False, "broker": True,
        }  # fmt: skip
        assert not any(secret in text for secret in ("pass-word", "somebody", "127.0.0.1", "rror"))
    [(alive, seconds, text)] = told["/healthz"]
    assert (alive, json.loads(text)) == (200, {"status": "ok"})
    assert seconds < 1
