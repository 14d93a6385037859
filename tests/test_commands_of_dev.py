"""What `dev.py` says to who mistypes."""

import subprocess
import sys
from pathlib import Path

import pytest

DEV = Path(__file__).resolve().parent.parent / "dev.py"


@pytest.mark.parametrize(
    ("given", "first", "code"),
    [
        (["rnu"], "There is no command rnu.", 2),
        (["run", "now"], "run takes no arguments, so not now either.", 2),
        (["help"], "Everything a developer runs, on a machine that has just Python. ", 0),
        ([], "Everything a developer runs, on a machine that has just Python. ", 0),
    ],
)
def test_what_is_wrong_is_said_before_the_help(given: list[str], first: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, str(DEV), *given], capture_output=True, text=True, check=False
    )

    assert done.stdout.splitlines()[0] == first
    for command in ("run", "test", "check", "bench", "chaos", "lock"):
        assert f"python3 dev.py {command} " in done.stdout
    assert done.returncode == code
