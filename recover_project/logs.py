"""Log lines that name no person and show no secret."""

import logging
import re

# Shows two characters as masking.py does, and one where there are only two.
ADDRESS = re.compile(r"(?<![\w.+-])([\w.+-](?:[\w.+-](?=[\w.+-]))?)[\w.+-]*@([\w-]+\.[\w.-]+)")
HIDDEN = (
    # what to look for, what to write instead
    (ADDRESS, r"\1***@\2"),
    (re.compile(r"\b((?:sk|rk|pk)_(?:live|test)_)\w+"), r"\1***"),
    (re.compile(r"\bwhsec_[\w+/=-]+"), "whsec_***"),
    # a JWT, or what a report that is cut short leaves of one
    (re.compile(r"\beyJ[\w-]{6,}(?:\.[\w-]*){0,2}"), "[token]"),
    (re.compile(r"\brik_[\w-]+"), "rik_***"),
    (re.compile(r"([?&;](?:token|r)=)[^&\s\"'<>]+"), r"\1***"),
    (re.compile(r"(://[^:/@\s]*:)[^@\s]+@"), r"\1***@"),
)


def redact(text: str) -> str:
    """`text` with every address masked and every secret cut out."""
    for pattern, replacement in HIDDEN:
        text = pattern.sub(replacement, text)
    return text


class Redact(logging.Filter):
    """Redacts the message of a record, whatever was logged with which arguments."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = redact(record.getMessage())
        record.args = ()
        return True


class Line(logging.Formatter):
    """One line for people, with the traceback redacted as well."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatException(self, ei: object) -> str:  # noqa: N802 - logging's own name
        return redact(super().formatException(ei))  # type: ignore[arg-type]
