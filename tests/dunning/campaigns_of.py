"""Campaigns of a merchant's own, and past cases for them."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from dunning import campaigns
from dunning.models import DunningCampaign
from dunning.plans.campaign_facts import StepFacts
from recovery.models import Customer, Merchant, RecoveryCase


def mails(*days: float) -> tuple[StepFacts, ...]:
    """A failed mail after so many days, then reminders."""
    return tuple(
        StepFacts(timedelta(days=day), template="reminder" if number else "failed")
        for number, day in enumerate(days)
    )


def draft(merchant: Merchant, name: str = "Plan", **facts: Any) -> DunningCampaign:
    return campaigns.create(merchant=merchant, **{"name": name, "steps": mails(0, 3), **facts})


def publish(merchant: Merchant, name: str = "Plan", **facts: Any) -> DunningCampaign:
    return campaigns.publish(draft(merchant, name, **facts), now=timezone.now())


def past_case(
    merchant: Merchant, number: int, *, failed_at: datetime, lasted: float | None = None,
    metadata: dict[str, str] | None = None, country: str = "", **facts: Any,
) -> RecoveryCase:  # fmt: skip
    """A case that was lost after so many days, or is open still."""
    customer = Customer.objects.create(
        merchant=merchant, stripe_customer_id=f"cus_{number}", email=f"{number}@example.com",
        metadata=metadata or {}, country=country, known_at=failed_at,
    )  # fmt: skip
    closed = {} if lasted is None else {
        "status": "lost", "reason": "marked_uncollectible",
        "closed_at": failed_at + timedelta(days=lasted),
    }  # fmt: skip
    return RecoveryCase.objects.create(
        **{
            "merchant": merchant, "customer": customer, "livemode": True,
            "stripe_invoice_id": f"in_{number}", "amount": 4900, "currency": "usd",
            "decline_type": "soft", "decline_code": "generic_decline", "failed_at": failed_at,
            "opened_at": failed_at, "known_at": failed_at, **closed, **facts,
        }
    )  # fmt: skip
