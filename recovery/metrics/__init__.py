"""The figures: defined as data, computed in one place for everybody who shows them."""

from recovery.metrics.counted import Counted, kept
from recovery.metrics.definitions import DEFINITIONS, DEFINITIONS_VERSION, SHARES, TOTALS
from recovery.metrics.figures import (
    DIMENSIONS,
    Figures,
    groups_up_to,
    median_days,
    owed_now,
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
    "Counted",
    "Figures",
    "Range",
    "groups_up_to",
    "in_major_units",
    "kept",
    "median_days",
    "owed_now",
    "roi_multiple",
    "together",
    "totals",
]
