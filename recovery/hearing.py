"""What was said before the case opened, or before it was known to be about it, is heard now."""

from collections.abc import Collection
from datetime import datetime

from recovery import cases, checkouts, effects, inbox
from recovery.models import Checkout, RecoveryCase
from recovery.stripe_events import Event


def tell_what_was_told(
    case: RecoveryCase, *, now: datetime, but_of: Collection[str] = (), but: Collection[int] = ()
) -> None:
    """Events don't come in order: what was said before the case opened, or before it was known
    that it concerns the case, is heard now. `but_of`: ids of which the case has heard; `but`:
    stored events that it has."""
    unheard = [key for key in cases.keys(case) if key not in but_of]
    for earlier in inbox.told_of(case.merchant, unheard) if unheard else ():
        if earlier.pk not in but:
            effects.apply(case=case, event=Event.parse(earlier.payload), now=now)


def learn_payment(
    checkout: Checkout, intent_id: str, *, now: datetime, is_retried: bool = False
) -> None:
    """A customer tried to pay at our Checkout, by a PaymentIntent of which more may be stored."""
    case, known = checkout.case, cases.keys(checkout.case)
    if checkouts.learn_payment(checkout, intent_id):
        tell_what_was_told(case, but_of=known, now=now)
    elif is_retried:  # a worker may have died in the middle of that
        tell_what_was_told(case, now=now)
