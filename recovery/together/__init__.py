"""What can be processed together: failed invoices first, whose cases their payments then find."""

from collections.abc import Sequence

from recovery.models import StripeEvent
from recovery.together import invoices, payments


def work(batch: Sequence[StripeEvent]) -> list[StripeEvent]:
    """Process what can be processed together; the events that are left."""
    return payments.work(invoices.work(batch))
