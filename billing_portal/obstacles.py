"""A customer who can't be sent to Stripe is shown what helps, and a person is told what to do."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from billing_portal.models import PaymentUpdateLink
from recovery import operator_tasks, timeline
from recovery.models import RecoveryCase
from recovery.operator_tasks import TaskKind
from recovery.stripe_errors import (
    CustomerDeletedError,
    MissingPermissionError,
    NoStripeError,
    NotConnectedError,
    StripeError,
)
from recovery.timeline import Kind


class Wanted(enum.StrEnum):
    """Where the customer was to go."""

    PORTAL = "Stripe's portal"
    CHECKOUT = "Stripe's Checkout"


class Shown(enum.StrEnum):
    """What the customer gets instead; but for the portal, a page of page_words.py."""

    PAY_AT_STRIPE = "pay_at_stripe"
    NO_PORTAL = "no_portal"
    NO_CHECKOUT = "no_checkout"
    PORTAL = "portal"


SHOWN_AS: Mapping[Shown, str] = MappingProxyType(
    {
        Shown.PAY_AT_STRIPE: "the way to the invoice's own page at Stripe",
        Shown.NO_PORTAL: "whom to write to",
        Shown.NO_CHECKOUT: "whom to write to",
        Shown.PORTAL: "Stripe's portal instead",
    }
)


class NoWayError(Exception):
    """Stripe has no page for this debt now, and won't in a minute; `shown` is what helps."""

    def __init__(self, shown: Shown) -> None:
        super().__init__(shown)
        self.shown = shown


@dataclass(frozen=True, slots=True)
class _Todo:
    """What a person can do, once for each cause."""

    kind: TaskKind
    once: str
    summary: str


def tell(
    link: PaymentUpdateLink, error: StripeError, *, wanted: Wanted, shown: Shown, now: datetime
) -> None:
    """On the timeline, and as a task where a person can help."""
    case = link.case
    timeline.append(
        case=case, kind=Kind.NO_WAY_TO_STRIPE, at=now, once=f"no way:{link.public_id}:{error}",
        summary=f"{wanted} could not be opened; the customer was shown {SHOWN_AS[shown]}.",
        rule="Stripe's answer", source=str(error),
    )  # fmt: skip
    if todo := _todo(case, error, wanted):
        operator_tasks.create_for_merchant(
            merchant=case.merchant, kind=todo.kind, once=todo.once, summary=todo.summary, now=now
        )


def _todo(debt: RecoveryCase, error: StripeError, wanted: Wanted) -> _Todo | None:
    """A connection that is mended and breaks again is another cause."""
    connected_at = debt.merchant.stripe.connected_at
    match error:
        case MissingPermissionError(permission=name):
            return _Todo(
                TaskKind.PERMISSION_MISSING,
                f"{name}:{connected_at}",
                f"Allow {name or 'what the log names'} for Recover's key in Stripe's dashboard, "
                "under Developers → API keys. Without it customers who want to pay can't be sent "
                f"to {wanted}.",
            )
        case NoStripeError():
            return None  # a trial without a Stripe: nothing is broken
        case NotConnectedError():
            return _Todo(
                TaskKind.KEY_REFUSED,
                f"{connected_at}",
                "Stripe doesn't accept Recover's key any more, so customers who want to pay can't "
                "be sent there. Make a restricted key in Stripe's dashboard, under Developers → "
                "API keys, and give it to connect_stripe.",
            )
        case CustomerDeletedError():
            customer_id = debt.customer.stripe_customer_id if debt.customer else ""
            return _Todo(
                TaskKind.CUSTOMER_DELETED,
                customer_id,
                f"The customer {customer_id} was deleted in Stripe but still owes. Send the "
                "invoice from Stripe's dashboard and wait for its payment, or void it there.",
            )
    return _Todo(
        TaskKind.STRIPE_REFUSED,
        f"{wanted}:{error}",
        f"{wanted} could not be opened for a customer who wants to pay. Stripe says: {error}",
    )
