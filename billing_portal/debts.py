"""A debt as a page tells of it: before it is paid, and once it was charged."""

from typing import Any

from billing_portal import presentation
from billing_portal.collection import Charge
from billing_portal.pages import Reader
from recovery.models import RecoveryCase


def told(reader: Reader, case: RecoveryCase) -> dict[str, Any]:
    """A Content's `debt`, and the `facts` for the words around it."""
    amount = presentation.amount(case, reader.language)
    return {
        "debt": presentation.facts(case, reader.language, amount=amount),
        "facts": {"amount": amount, "reason": presentation.reason(case, reader.language)},
    }


def charged(reader: Reader, charge: Charge, *, has_link: bool) -> dict[str, str]:
    """One of a Content's `results`; with the way to confirm it, where each needs its own."""
    case, outcome = charge.case, charge.result.outcome
    return {
        "amount": presentation.amount(case, reader.language),
        "description": case.description,
        "invoice_number": case.invoice_number,
        "outcome": outcome.value,
        "said": reader.words.outcomes[outcome],
        "confirm_url": case.hosted_invoice_url if has_link else "",
    }
