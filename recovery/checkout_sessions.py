"""Stripe's Checkout Session, as far as Recover acts on it."""

from dataclasses import dataclass
from typing import Self

from recovery.reading import Node, id_of, node, text

# What a Checkout's PaymentIntent carries in its metadata: the case, for people who look at it in
# Stripe's dashboard, and the row that it belongs to, for us.
NAMES_CASE = "recover_case"
NAMES_CHECKOUT = "recover_checkout"
# Where an object that carries it has the PaymentIntent's id; a charge has a copy of the metadata.
_INTENT_IN = {"payment_intent": "id", "charge": "payment_intent"}


def named_in(told: Node) -> tuple[str, str]:
    """The checkout that a PaymentIntent or a charge says it is of, and the PaymentIntent's id; ""
    for both of any other object."""
    kind = text(told.get("object"), longest=50)
    name = text(node(told, "metadata").get(NAMES_CHECKOUT), longest=40)
    if not name or kind not in _INTENT_IN:
        return "", ""
    return name, id_of(told.get(_INTENT_IN[kind]))


@dataclass(frozen=True, slots=True)
class CheckoutSession:
    """`url` is "" once nobody can pay there; the PaymentIntent is made when the customer first
    tries to (docs.stripe.com/upgrades#2022-08-01)."""

    id: str
    url: str
    status: str  # open, complete, expired
    payment_intent_id: str

    @classmethod
    def read(cls, value: Node) -> Self:
        return cls(
            id=id_of(value),
            url=text(value.get("url"), longest=5000),
            status=text(value.get("status"), longest=20),
            payment_intent_id=id_of(value.get("payment_intent")),
        )
