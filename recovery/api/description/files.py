"""The parts of the description that are data: recovery/data/api/*.yaml."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).resolve().parents[2] / "data" / "api"


@cache
def load(name: str) -> dict[str, Any]:
    """What is in `name`.yaml. It is shared: to be read, not changed."""
    content: dict[str, Any] = yaml.safe_load((DATA / f"{name}.yaml").read_text(encoding="utf-8"))
    return content


@cache
def examples() -> dict[str, dict[str, Any]]:
    """By operationId: `parameters` by name, `request`, and `answers` by status."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((DATA / "examples").glob("*.yaml")):
        found |= load(f"examples/{path.stem}") or {}
    return found
