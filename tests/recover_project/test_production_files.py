"""docs/compose.yaml, docs/configuration.md and docs/grafana.json: what they name is there, and all
figures are shown."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.utils import timezone

from recover_project.probes import gauges
from recovery import heartbeats
from recovery.endpoints import WEBHOOK_PATH
from recovery.stripe_events import EventType
from recovery.stripe_gateway import API_VERSION
from tests.recover_project.test_web_processes import procfile

ROOT = Path(__file__).resolve().parents[2]
COMPOSED = (ROOT / "docs" / "compose.yaml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSED)["services"]
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()
DASHBOARD: dict[str, Any] = json.loads((ROOT / "docs" / "grafana.json").read_text())
PANELS: list[dict[str, Any]] = [one for one in DASHBOARD["panels"] if one["type"] != "row"]
OURS = ("release", "web", "worker", "beat")


# --- compose.yaml -----------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "program"), [
    ("web", "granian"), ("worker", "celery"), ("beat", "celery"),
])  # fmt: skip
def test_a_service_runs_what_the_procfile_says(tmp_path: Path, name: str, program: str) -> None:
    said = tmp_path / program
    said.write_text('#!/bin/sh\necho "$@"\n')
    said.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.defpath}", "REDIS_URL": "redis://redis:6379/0",
                   "RUN_DIR": "/var/lib/recover"}  # fmt: skip
    command = [word.replace("$$", "$") for word in SERVICES[name]["command"]]

    def printed(*run: str) -> str:
        return subprocess.run(
            run, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        ).stdout

    assert printed(*command) == printed("sh", "-c", procfile(name)) != ""


def test_each_service_of_ours_has_all_that_production_needs() -> None:
    for name in OURS:
        settings = SERVICES[name]["environment"]
        assert settings["DEBUG"] == "off"
        assert {"DATABASE_URL", "FIELD_ENCRYPTION_KEYS", "PUBLIC_URL", "REDIS_URL",
                "SECRET_KEY"} <= set(settings)  # fmt: skip
        assert SERVICES[name]["env_file"] == ".env"  # all that is told: how mail goes, say
        for variable in settings:
            assert f"`{variable}`" in CONFIGURATION


def test_no_secret_is_written_down_and_none_may_be_missing() -> None:
    settings = SERVICES["web"]["environment"]
    for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS"):
        assert settings[name].startswith(f"${{{name}:?")
    assert "postgres://recover:${POSTGRES_PASSWORD:?" in settings["DATABASE_URL"]


def test_nothing_starts_before_the_tables_are_there() -> None:
    for name in ("web", "worker", "beat"):
        assert SERVICES[name]["depends_on"]["release"] == {
            "condition": "service_completed_successfully"
        }
    assert "migrate" in SERVICES["release"]["command"]
    assert SERVICES["release"]["depends_on"]["postgres"] == {"condition": "service_healthy"}


def test_nothing_of_a_developers_gets_into_the_image() -> None:
    left_out = (ROOT / ".dockerignore").read_text().split()
    assert {".git", ".venv", "run", "tests", "**/.env"} <= set(left_out)


# --- configuration.md -------------------------------------------------------------------------


def test_an_endpoint_made_by_hand_is_told_of_every_event_and_its_version() -> None:
    _before, _title, section = CONFIGURATION.partition("## An endpoint made by hand")
    section = section.partition("\n## ")[0]

    assert set(re.findall(r"`([a-z_]+\.[a-z_.]+)`", section)) == set(EventType)
    assert f"`{API_VERSION}`" in section
    assert f"`{WEBHOOK_PATH}`" in section


# --- grafana.json -----------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_dashboard_shows_every_figure_and_no_other() -> None:
    heartbeats.beat(now=timezone.now())
    there = {gauge.name for gauge in gauges.read(now=timezone.now())}
    asked = " ".join(target["expr"] for panel in PANELS for target in panel["targets"])

    assert set(re.findall(r"recover_\w+", asked)) == there


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_says_what_it_shows_in_which_unit(panel: dict[str, Any]) -> None:
    exprs = [target["expr"] for target in panel["targets"]]
    is_time = all("_seconds" in expr for expr in exprs)

    assert panel["fieldConfig"]["defaults"]["unit"] == ("s" if is_time else "short")
    assert len({target["refId"] for target in panel["targets"]}) == len(exprs)
    for expr in exprs:  # that of a worker knows no mode
        assert "heartbeat" in expr or 'livemode=~"$livemode"' in expr


def test_panels_stand_beside_each_other_and_over_none() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"])
                 for y in range(at["y"], at["y"] + at["h"])}  # fmt: skip
        assert at["x"] + at["w"] <= 24
        assert taken.isdisjoint(cells)
        taken |= cells
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
