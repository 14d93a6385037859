import subprocess
import sys
from pathlib import Path

import pytest

from tests.program_logs import LAST, kept_aside

LOGS = "import sys; sys.stderr.write(''.join(f'line {n}.\\n' for n in range(100)))"


def run(program: str, folder: Path) -> None:
    with kept_aside(folder) as log:
        subprocess.run([sys.executable, "-c", program], stderr=log, check=True)


def test_what_a_program_logs_is_not_in_the_way(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run(LOGS, tmp_path)

    assert capfd.readouterr() == ("", "")


def test_what_a_program_that_fails_logged_last_is_shown(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run(f"{LOGS}; sys.exit(1)", tmp_path)

    assert capfd.readouterr().err.splitlines() == [f"line {n}." for n in range(100 - LAST, 100)]
