"""The one writer of cases: they open, take facts over, move and close here."""

from recovery.cases.by_hand import (
    ClosedCaseError,
    EmptyNoteError,
    Handled,
    close,
    note,
    pause,
    resume,
    resume_due,
)
from recovery.cases.facts import (
    belongs_to_invoice,
    claim_to_enrich,
    is_enriched,
    is_paid_by,
    is_to_be_enriched,
    note_paid_before,
    note_payment,
    project_decline,
    retries_are_ours,
    take_over_invoice,
    take_over_payment,
)
from recovery.cases.moves import Payment, advance, explain_again, pay, refund
from recovery.cases.opening import note_failure_time, open_for_invoice, open_for_payment
from recovery.cases.rows import (
    concerning,
    invoice_of_payment,
    keys,
    locked,
    paid_through_checkout,
)

__all__ = [
    "ClosedCaseError",
    "EmptyNoteError",
    "Handled",
    "Payment",
    "advance",
    "belongs_to_invoice",
    "claim_to_enrich",
    "close",
    "concerning",
    "explain_again",
    "invoice_of_payment",
    "is_enriched",
    "is_paid_by",
    "is_to_be_enriched",
    "keys",
    "locked",
    "note",
    "note_failure_time",
    "note_paid_before",
    "note_payment",
    "open_for_invoice",
    "open_for_payment",
    "paid_through_checkout",
    "pause",
    "pay",
    "project_decline",
    "refund",
    "resume",
    "resume_due",
    "retries_are_ours",
    "take_over_invoice",
    "take_over_payment",
]
