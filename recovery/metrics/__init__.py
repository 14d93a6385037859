"""The figures: defined as data, computed in one place for everybody who shows them."""

from recovery.metrics.definitions import DEFINITIONS, DEFINITIONS_VERSION, SHARES, TOTALS
from recovery.metrics.figures import (
    DIMENSIONS,
    Figures,
    counted_cases,
    kept,
    median_days,
    together,
    totals,
)
from recovery.metrics.ranges import Range
from recovery.metrics.stripes_definitions import NOT_KNOWN, SOURCE, STRIPES_DEFINITIONS
from recovery.metrics.worth import in_major_units, roi_multiple

__all__ = [
    "DEFINITIONS",
    "DEFINITIONS_VERSION",
    "DIMENSIONS",
    "NOT_KNOWN",
    "SHARES",
    "SOURCE",
    "STRIPES_DEFINITIONS",
    "TOTALS",
    "Figures",
    "Range",
    "counted_cases",
    "in_major_units",
    "kept",
    "median_days",
    "roi_multiple",
    "together",
    "totals",
]
