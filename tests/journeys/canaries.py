"""Tokens that are followed through the product: where one turns up, it got out."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from billing_portal import tokens
from tests.canaries import as_written


@dataclass
class Canaries:
    """Every token that was issued while this watched, by its purpose."""

    issued: list[tuple[str, str]] = field(default_factory=list)

    def of(self, *purposes: str) -> set[str]:
        return {token for purpose, token in self.issued if purpose in purposes}

    def found_in(self, text: str, *purposes: str) -> list[str]:
        """Those that are there whole, or but for their signature."""
        sought = self.of(*(purposes or tuple(tokens.Purpose)))
        return [token for token in sought if token.rpartition(".")[0] in text]


@contextmanager
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Canaries]:
    canaries, issue = Canaries(), tokens.issue

    def issue_and_tell(**about: object) -> str:
        token = issue(**about)  # type: ignore[arg-type]
        canaries.issued.append((str(about["purpose"]), token))
        return token

    with monkeypatch.context() as patch:
        patch.setattr(tokens, "issue", issue_and_tell)
        yield canaries


class Listener(logging.Handler):
    """Every record of every logger, as it is written and as it was said."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.said: list[str] = []
        self.written: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(f"{record.name}: {record.getMessage()}")
        self.written.append(as_written(record))


@contextmanager
def listening() -> Iterator[Listener]:
    """To loggers that keep what they say to themselves, too."""
    listener, root = Listener(), logging.getLogger()
    server = logging.getLogger("django.server")
    level = root.level
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    if not server.propagate:
        server.addHandler(listener)
    try:
        yield listener
    finally:
        root.removeHandler(listener)
        root.setLevel(level)
        server.removeHandler(listener)
