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


def test_an_error_shows_once_what_a_program_that_failed_logged_last(tmp_path: Path) -> None:
    with (
        pytest.raises(subprocess.CalledProcessError) as error,
        kept_aside(tmp_path),
    ):
        run(f"{LOGS}; sys.exit(1)", tmp_path)

    [shown] = error.value.__notes__
    assert shown.splitlines() == [f"line {n}." for n in range(100 - LAST, 100)]
