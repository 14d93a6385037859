"""All of one customer, for the page that leads to their cases and to what they may ask for."""

from typing import Any

from recover_project.back_office.access import Right, Working
from recover_project.back_office.cases import words
from recovery.models import Customer, RecoveryCase

MOST_CASES = 50


def context(customer: Customer, *, at: Working) -> dict[str, Any]:
    owed = RecoveryCase.objects.filter(customer=customer).order_by("-opened_at", "-id")
    told = (
        ("E-mail", customer.email),
        ("Alternate contact", customer.alternate_email),
        ("Languages", customer.locale),
        ("Country", " ".join(filter(None, [customer.country, customer.state]))),
        ("At Stripe", customer.stripe_customer_id),
        *((f"Metadata: {name}", value) for name, value in customer.metadata.items()),
    )
    return {
        "customer": customer,
        "facts": [(name, value) for name, value in told if value],
        "cases": [(case, words.amount(case), *words.status(case)) for case in owed[:MOST_CASES]],
        **actions(customer, at=at),
    }


def actions(customer: Customer | None, *, at: Working) -> dict[str, Any]:
    """What the user may do about the person, on this page and on those of their cases."""
    if customer is None:
        return {}
    return {
        "person": customer,
        "may_export": at.may(Right.OPERATE),
        "may_erase": at.may(Right.OWN) and not customer.is_erased,
    }
