"""What `dev.py run` makes at its first start, without its processes."""

import json
import secrets
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from recovery.management.commands.create_operator import Command
from tests.demo import merchant
from tests.demo.processes import Processes


def test_a_password_that_begins_with_a_dash_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of 64 does."""
    asked: dict[str, tuple[str, ...]] = {}

    def manage(_processes: Processes, command: str, *arguments: str) -> str:
        asked[command] = arguments
        return json.dumps({"merchant_id": "mer_1", "internal_key": "rik_1"})

    monkeypatch.setattr(merchant, "_manage", manage)
    monkeypatch.setattr(secrets, "token_urlsafe", lambda _length: "-begins-so")
    processes: Any = SimpleNamespace(environment={"DEMO_DATA": "no"})
    login = merchant.set_up(cast("Processes", processes), kept_in=tmp_path / "kept.json")

    parser = Command().create_parser("manage.py", "create_operator")
    told = parser.parse_args([*asked["create_operator"]])
    assert told.password == login.password == "-begins-so"
