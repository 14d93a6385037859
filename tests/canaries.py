"""What no log may ever show: people whom tests plant, addresses that aren't masked, secrets."""

import copy
import logging
import re

# Names that only persons have, in whatever is written of them; in lower case.
NAMES = ("zanzibar", "quill", "canary wren")
# Letters that happen to follow each other name nobody.
STRIPE_ID = re.compile(r"\b[a-z]+_[A-Za-z0-9]{14,}\b")
PATTERNS = {
    "an address": re.compile(r"""[^\s"'<>()\[\],;:=/*]@[\w-]+\.[\w.-]*\w"""),
    "a key": re.compile(r"\b(?:sk|rk|pk)_(?:live|test)_\w"),
    "a signing secret": re.compile(r"\bwhsec_\w"),
    "an internal key": re.compile(r"\brik_\w"),
    "a token": re.compile(r"\beyJ[\w-]{6,}"),
}


def shown(text: str) -> list[str]:
    """What of it stands in the text, each with the line that it stands in."""
    found = []
    for line in text.splitlines():
        lower = STRIPE_ID.sub("", line).lower()
        found += [f"{name}: {line}" for name in NAMES if name in lower]
        found += [f"{what}: {line}" for what, seen in PATTERNS.items() if seen.search(line)]
    return found


def as_written(record: logging.LogRecord) -> str:
    """The line that the product writes; the record stays as it is."""
    from recover_project.logs import Line, Redact

    written = copy.copy(record)
    written.exc_text = None
    Redact().filter(written)
    return Line().format(written)


class Listener(logging.Handler):
    """Hears what the product logs, as the product would write it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found += shown(as_written(record))
