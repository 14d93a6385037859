"""A merchant's rows compared with Stripe every hour, and mended (docs/adr/0019)."""

from recovery.reconciliation.carrying_out import carry_out
from recovery.reconciliation.rows import (
    NotConnectedAnyMoreError,
    Outcome,
    OvertakenError,
    ask_for,
    begin,
    claim,
    connected,
    end,
    forget,
    latest,
    next_due,
)
from recovery.reconciliation.words import sentences

__all__ = [
    "NotConnectedAnyMoreError",
    "Outcome",
    "OvertakenError",
    "ask_for",
    "begin",
    "carry_out",
    "claim",
    "connected",
    "end",
    "forget",
    "latest",
    "next_due",
    "sentences",
]
