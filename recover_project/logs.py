"""Log lines that name no person and show no secret, for people or, as JSON, for a log's server."""

import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from recovery.log_context import current

# Shows two characters as masking.py does, and one where there are only two.
ADDRESS = re.compile(r"(?<![\w.+-])([\w.+-](?:[\w.+-](?=[\w.+-]))?)[\w.+-]*@([\w-]+\.[\w.-]+)")
HIDDEN = (
    # what each has that there is to hide, what to look for, what to write instead
    ("@", ADDRESS, r"\1***@\2"),
    ("k_", re.compile(r"\b((?:sk|rk|pk)_(?:live|test)_)\w+"), r"\1***"),
    ("whsec_", re.compile(r"\bwhsec_[\w+/=-]+"), "whsec_***"),
    # a JWT, or what a report that is cut short leaves of one
    ("eyJ", re.compile(r"\beyJ[\w-]{6,}(?:\.[\w-]*){0,2}"), "[token]"),
    ("rik_", re.compile(r"\brik_[\w-]+"), "rik_***"),
    ("=", re.compile(r"([?&;](?:token|r)=)[^&\s\"'<>]+"), r"\1***"),
    ("@", re.compile(r"(://[^:/@\s]*:)[^@\s]+@"), r"\1***@"),
)


def redact(text: str) -> str:
    """`text` with every address masked and every secret cut out."""
    for mark, pattern, replacement in HIDDEN:
        if mark in text:  # most lines have nothing to hide, and patterns cost
            text = pattern.sub(replacement, text)
    return text


def redacted(value: Any) -> Any:
    """As `redact`, of every text within lists and mappings."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {name: redacted(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(each) for each in value]
    return value


class Redact(logging.Filter):
    """Redacts the message of a record, whatever was logged with which arguments."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = redact(record.getMessage())
        record.args = ()
        return True


class NoTraceback(logging.Filter):
    """For what anybody can bring about, as often as they like: its line says all."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        return True


class Line(logging.Formatter):
    """One line for people, with the traceback redacted as well; behind it what it is about."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        about = " ".join(f"{name}={value}" for name, value in current().items())
        line = super().formatMessage(record)
        return f"{line} [{_of_a_line(about)}]" if about else line

    def formatException(self, ei: object) -> str:  # noqa: N802 - logging's own name
        return redact(super().formatException(ei))  # type: ignore[arg-type]


class Json(Line):
    """One JSON object a line: `at` (UTC), `level`, `logger`, `message`, what it is about, and the
    traceback under `error`."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname, "logger": record.name, "message": record.getMessage(),
        } | {name: _of_a_line(value) for name, value in current().items()}  # fmt: skip
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


def _of_a_line(id_: str) -> str:
    """Ids come from outside: no word of theirs begins a line or names a person."""
    return redact(" ".join(id_.split()))
