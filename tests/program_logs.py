"""What programs log while something else is printed that is to be read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

LAST = 40  # lines


@contextmanager
def kept_aside(folder: Path) -> Iterator[IO[str]]:
    """A file for what programs log, of which an error shows the last lines."""
    path = folder / "programs.log"
    with path.open("a") as log:
        try:
            yield log
        except BaseException as error:
            if not getattr(error, "__notes__", None):  # else a program within has said it
                logged = path.read_text(errors="replace").splitlines()
                error.add_note("\n".join(logged[-LAST:]))
            raise
