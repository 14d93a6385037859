"""How a case moves: one table over every pair of status and trigger.

The statuses form a ladder (open < lost < recovered < voided) and no trigger ever leads down it,
so the same facts end in the same status whatever order they arrive in
(docs/adr/0001-order-free.md).
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


class Status(enum.StrEnum):
    OPEN = "open"
    RECOVERED = "recovered"
    LOST = "lost"
    VOIDED = "voided"


LADDER = (Status.OPEN, Status.LOST, Status.RECOVERED, Status.VOIDED)


class Trigger(enum.StrEnum):
    """What can happen to a case; the value is also the reason kept with a close."""

    PAYMENT_FAILED = "payment_failed"
    # the money came
    INVOICE_PAID = "invoice_paid"
    PAYMENT_SUCCEEDED = "payment_succeeded"
    # given up
    SUBSCRIPTION_CANCELED = "subscription_canceled"
    MARKED_UNCOLLECTIBLE = "marked_uncollectible"
    CAMPAIGN_ENDED = "campaign_ended"
    OPERATOR_CLOSED = "operator_closed"
    # never owed, or no longer
    INVOICE_VOIDED = "invoice_voided"
    PAYMENT_CANCELED = "payment_canceled"
    PAID_WHILE_SETTLING = "paid_while_settling"
    NOTHING_DUE = "nothing_due"
    BELONGS_TO_INVOICE = "belongs_to_invoice"
    REFUNDED = "refunded"
    DISPUTED = "disputed"


LEADS_TO: Mapping[Trigger, Status] = MappingProxyType(
    {
        Trigger.PAYMENT_FAILED: Status.OPEN,
        Trigger.INVOICE_PAID: Status.RECOVERED,
        Trigger.PAYMENT_SUCCEEDED: Status.RECOVERED,
        Trigger.SUBSCRIPTION_CANCELED: Status.LOST,
        Trigger.MARKED_UNCOLLECTIBLE: Status.LOST,
        Trigger.CAMPAIGN_ENDED: Status.LOST,
        Trigger.OPERATOR_CLOSED: Status.LOST,
        Trigger.INVOICE_VOIDED: Status.VOIDED,
        Trigger.PAYMENT_CANCELED: Status.VOIDED,
        Trigger.PAID_WHILE_SETTLING: Status.VOIDED,
        Trigger.NOTHING_DUE: Status.VOIDED,
        Trigger.BELONGS_TO_INVOICE: Status.VOIDED,
        Trigger.REFUNDED: Status.VOIDED,
        Trigger.DISPUTED: Status.VOIDED,
    }
)
# Where two facts close a case in the same status, the earlier in this list names the reason,
# so that the reason too is the same in any order.
PRECEDENCE = tuple(Trigger)

WHY_STAYS: Mapping[Status, str] = MappingProxyType(
    {
        Status.OPEN: "the case is open already",
        Status.LOST: "the case was given up and stays so until it is paid",
        Status.RECOVERED: "the money is already back",
        Status.VOIDED: "nothing was owed, so nothing can change that",
    }
)


@dataclass(frozen=True, slots=True)
class Move:
    """The case goes to `to`; `reason` is kept with it."""

    to: Status
    reason: Trigger


@dataclass(frozen=True, slots=True)
class Stay:
    """The case stays where it is, and why."""

    why: str


def _decide(status: Status, trigger: Trigger) -> Move | Stay:
    target = LEADS_TO[trigger]
    if LADDER.index(target) > LADDER.index(status):
        return Move(to=target, reason=trigger)
    return Stay(why=WHY_STAYS[status])


TABLE: Mapping[tuple[Status, Trigger], Move | Stay] = MappingProxyType(
    {(status, trigger): _decide(status, trigger) for status in Status for trigger in Trigger}
)


def decide(*, status: Status, trigger: Trigger, reason: str = "") -> Move | Stay:
    """What `trigger` does to a case in `status` that was closed for `reason` ("" while open)."""
    decision = TABLE[status, trigger]
    if (
        isinstance(decision, Stay)
        and LEADS_TO[trigger] is status
        and _names_better(trigger, reason)
    ):
        return Move(to=status, reason=trigger)
    return decision


def _names_better(trigger: Trigger, reason: str) -> bool:
    return bool(reason) and PRECEDENCE.index(trigger) < PRECEDENCE.index(Trigger(reason))
