"""What a template may speak of: each variable, what it holds, and a sample of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Variable:
    """`is_sure` is never empty; what isn't sure needs an `if` or a `default` around it."""

    description: str
    sample: str | int
    is_sure: bool = True


VARIABLES: Mapping[str, Variable] = MappingProxyType(
    {
        "product": Variable("What the customer knows the product as.", "Fern Tea"),
        "amount": Variable(
            "What the failed payment was about, as the customer writes it.", "$49.00"
        ),
        "reason": Variable(
            "Why the payment failed, in one sentence that a customer may read.",
            "The card has expired.",
        ),
        "failed_on": Variable(
            "The merchant's day on which the payment failed.", "November 3, 2026"
        ),
        "link": Variable(
            "The address of the page on which to pay; the button leads there too.",
            "https://pay.example.com/fourthngoal/recover/update?token=sample",
        ),
        "debt_count": Variable("How many payments of the customer are open: 1 or more.", 1),
        "total": Variable("What all of them come to; two currencies are joined by +.", "$49.00"),
        "card": Variable(
            "The card that was charged, if it was one.", "Visa ending in 4242", is_sure=False
        ),
        "description": Variable("What the invoice says it is for.", "Monthly box", is_sure=False),
        "invoice_number": Variable("The number of the invoice.", "FERN-0001", is_sure=False),
        "customer_name": Variable("The customer's name at Stripe.", "Jo Miller", is_sure=False),
        "support_email": Variable(
            "Where customers' questions go.", "help@fern.example", is_sure=False
        ),
    }
)
NAMES = frozenset(VARIABLES)
SAMPLES: Mapping[str, str | int] = MappingProxyType(
    {name: variable.sample for name, variable in VARIABLES.items()}
)
LEAST: Mapping[str, str | int] = MappingProxyType(
    {name: variable.sample if variable.is_sure else "" for name, variable in VARIABLES.items()}
)
SEVERAL = MappingProxyType({**SAMPLES, "debt_count": 3, "total": "$147.00"})
