"""docs/alerts.yaml and docs/operations.md speak of the figures that there are, as they are."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.utils import timezone

from recover_project.probes import checks, gauges
from recovery import heartbeats

ROOT = Path(__file__).resolve().parents[3]
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "docs" / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
every_rule = pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
SELECTED = re.compile(r"(\brecover_\w+)(?:\{([^}]*)\})?")


def figures() -> dict[str, dict[str, set[str]]]:
    """Each figure's labels, and the values that they may have."""
    heartbeats.beat(now=timezone.now())
    found: dict[str, dict[str, set[str]]] = {}
    for gauge in gauges.read(now=timezone.now()):
        labels = found.setdefault(gauge.name, {})
        for row in gauge.values:
            for label, value in row:
                labels.setdefault(label, set()).add(value)
    return found


@pytest.mark.django_db
@every_rule
def test_an_alert_is_about_figures_that_there_are(rule: dict[str, Any]) -> None:
    known = figures()
    selected = SELECTED.findall(rule["expr"])

    assert selected
    for name, labels in selected:
        assert name in known
        for label, value in re.findall(r'(\w+)!?="(\w+)"', labels):
            assert value in known[name][label], f"{name} has no {label} {value}."


@every_rule
def test_an_alert_compares_only_what_has_the_same_labels(rule: dict[str, Any]) -> None:
    """`a{state="x"} and b{state="y"}` is never true: Prometheus matches by all labels."""
    if " and " in rule["expr"]:
        assert "ignoring(" in rule["expr"] or "on(" in rule["expr"]


@every_rule
def test_an_alert_says_how_urgent_it_is_and_where_to_read_what_to_do(rule: dict[str, Any]) -> None:
    assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"\d+[mh]", rule["for"])
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"].endswith(".")
    assert f"**{rule['alert']}**" in OPERATIONS


def test_the_alert_for_a_silent_worker_is_as_patient_as_the_probe() -> None:
    [rule] = [rule for rule in RULES if rule["alert"] == "RecoverWorkerSilent"]

    assert f"> {checks.LATEST_BEAT.total_seconds():.0f} " in rule["expr"]


@pytest.mark.django_db
def test_every_figure_and_every_check_is_explained() -> None:
    names = set(figures()) | {name for look in checks.LOOKS for name in look.names}

    assert {name for name in names if f"`{name}`" not in OPERATIONS} == set()
    assert set(re.findall(r"\brecover_\w+", OPERATIONS)) == set(figures())
