"""The text that Prometheus reads, by the grammar that it publishes."""

import math
import re

import pytest

from recover_project.probes.exposition import Gauge, text

# https://prometheus.io/docs/instrumenting/exposition_formats/#comments-help-text-and-type-information
LINE = re.compile(
    r"# HELP [a-zA-Z_:][\w:]* .*|# TYPE [a-zA-Z_:][\w:]* gauge"
    r'|[a-zA-Z_:][\w:]*(\{[a-zA-Z_]\w*="([^"\\\n]|\\["\\n])*"(,[a-zA-Z_]\w*="([^"\\\n]|\\["\\n])*")*\})?'
    r" (-?\d+(\.\d+)?(e[+-]\d+)?|[+-]Inf|NaN)"
)


def test_a_figure_has_its_meaning_its_type_and_its_values() -> None:
    gauge = Gauge("recover_cases_open", "Open cases.", {(("livemode", "true"),): 3, (): 0.5})

    assert text([gauge]) == (
        "# HELP recover_cases_open Open cases.\n"
        "# TYPE recover_cases_open gauge\n"
        'recover_cases_open{livemode="true"} 3\n'
        "recover_cases_open 0.5\n"
    )


def test_a_figure_without_a_value_is_named_all_the_same() -> None:
    assert text([Gauge("recover_age_seconds", "Age.")]).splitlines() == [
        "# HELP recover_age_seconds Age.", "# TYPE recover_age_seconds gauge",
    ]  # fmt: skip


def test_what_could_end_a_line_or_a_label_is_escaped() -> None:
    odd = Gauge("recover_odd", "Two\nlines, one \\.", {(("a", 'quo"te\n\\'),): 1})

    lines = text([odd]).splitlines()

    assert len(lines) == 3
    assert all(LINE.fullmatch(line) for line in lines)
    assert lines[0] == r"# HELP recover_odd Two\nlines, one \\."
    assert lines[2] == r'recover_odd{a="quo\"te\n\\"} 1'


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"), (7, "7"), (0.1, "0.1"), (12.5, "12.5"), (123456.7, "123456.7"),
        (1_234_567, "1234567"), (12_345_678_901.0, "12345678901"), (-3.5, "-3.5"),
        (1.5e-7, "1.5e-07"), (math.inf, "+Inf"), (-math.inf, "-Inf"), (math.nan, "NaN"),
    ],
)  # fmt: skip
def test_a_number_is_written_to_its_last_digit(value: float, written: str) -> None:
    [*_told, line] = text([Gauge("recover_x", "X.", {(): value})]).splitlines()

    assert LINE.fullmatch(line)
    assert line == f"recover_x {written}"
