"""What programs log while something else is printed that is to be read."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

LAST = 40  # lines


@contextmanager
def kept_aside(folder: Path) -> Iterator[IO[str]]:
    """A file for what programs log, of which the last lines are shown if anything goes wrong."""
    path = folder / "programs.log"
    with path.open("a") as log:
        try:
            yield log
        except Exception:
            sys.stderr.write("".join(path.read_text().splitlines(keepends=True)[-LAST:]))
            raise
