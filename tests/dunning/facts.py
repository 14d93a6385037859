"""Failed payments as dunning meets them, at a merchant without a key."""

import itertools
from datetime import datetime, timedelta

from billing_portal import links
from billing_portal.models import PaymentUpdateLink
from dunning import runs
from dunning.mail import replacements
from dunning.models import DunningMessage
from recovery import cases
from recovery.models import RecoveryCase
from recovery.state_machine import Trigger
from tests.builders import event, receive

_numbers = itertools.count(1)


def fail(reason: str = "insufficient_funds", email: str = "jo@example.com") -> RecoveryCase:
    """An invoice's payment fails; its case."""
    invoice = {
        "id": f"in_{next(_numbers)}", "customer_email": email, "amount_due": 4900,
        "currency": "usd", "last_finalization_error": {"decline_code": reason},
    }  # fmt: skip
    receive(event("invoice.payment_failed", invoice))
    return RecoveryCase.objects.get(stripe_invoice_id=invoice["id"])


def queue(case: RecoveryCase, *, now: datetime) -> DunningMessage:
    """The message of the case's first step; the first failure is a day old by then."""
    RecoveryCase.objects.filter(pk=case.pk).update(failed_at=now - timedelta(days=1))
    case.refresh_from_db()
    runs.start(case, now=now)
    runs.take_due_steps(now=now)
    return DunningMessage.objects.get(case=case)


def close(case: RecoveryCase, *, now: datetime, trigger: Trigger = Trigger.INVOICE_PAID) -> None:
    payment = cases.Payment(4900) if trigger is Trigger.INVOICE_PAID else None
    cases.advance(case=case, trigger=trigger, at=now, now=now, once="test", payment=payment)


def ask_for_a_new_link(case: RecoveryCase, *, now: datetime) -> DunningMessage:
    """The message to the customer who asked for one on an expired page."""
    links.create(case=case, now=now - links.LIFETIME)
    links.request_replacement(PaymentUpdateLink.objects.latest("id"), now=now)
    [message_id] = replacements.queue(now=now)
    return DunningMessage.objects.get(pk=message_id)
