"""Asking whether a process is ready."""

import json

from django.test import Client

ALL_WELL = {"database": True, "migrations": True, "broker": True, "worker": True}


def ready() -> tuple[int, dict[str, bool]]:
    """The status and each check's verdict."""
    answer = Client().get("/readyz")
    shown = json.loads(answer.content)
    assert shown["status"] == ("ready" if answer.status_code == 200 else "not ready")
    assert answer.get("Retry-After") == (None if answer.status_code == 200 else "5")
    assert all(each.keys() == {"ok", "took_ms"} for each in shown["checks"].values())
    return answer.status_code, {name: each["ok"] for name, each in shown["checks"].items()}
