"""Figures as Prometheus reads them.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/ (text format, version 0.0.4).
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Gauge:
    """A figure that goes up and down: `values` by its labels, () where it has none."""

    name: str
    help: str
    values: Mapping[Labels, float] = field(default_factory=dict)


def text(gauges: Iterable[Gauge]) -> str:
    return "".join(line for gauge in gauges for line in _lines(gauge))


def _lines(gauge: Gauge) -> Iterable[str]:
    yield f"# HELP {gauge.name} {_escaped(gauge.help)}\n"
    yield f"# TYPE {gauge.name} gauge\n"
    for labels, value in gauge.values.items():
        yield f"{gauge.name}{_labels(labels)} {_number(value)}\n"


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    quoted = (f'{name}="{_escaped(value, quoted=True)}"' for name, value in labels)
    return f"{{{','.join(quoted)}}}"


def _escaped(text: str, *, quoted: bool = False) -> str:
    escaped = text.replace("\\", r"\\").replace("\n", r"\n")
    return escaped.replace('"', r"\"") if quoted else escaped


def _number(value: float) -> str:
    """As Go's ParseFloat reads it, to the last digit."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) else repr(value)
