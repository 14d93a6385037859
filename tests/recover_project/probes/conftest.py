"""What the probes' tests share: an embedded broker of their own, and nothing known before."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings as SettingsWrapper

from recover_project.probes import checks


@pytest.fixture(autouse=True)
def _embedded_broker(settings: SettingsWrapper, tmp_path: Path) -> None:
    settings.REDIS_URL, settings.RUN_DIR = "", tmp_path
    (tmp_path / "broker" / "queue").mkdir(parents=True)


@pytest.fixture(autouse=True)
def _nothing_was_seen_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_was_ok", {})


@pytest.fixture
def mute_port() -> Iterator[int]:
    """It takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]
