"""Campaigns of a merchant's own, for tests."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from dunning.models import DunningCampaign, DunningStep
from recovery.models import Merchant

DAY = timedelta(days=1)


def step(
    channel: str, delay: timedelta = timedelta(0), template: str = "", **fields: Any
) -> dict[str, Any]:
    words = template or {"email": "reminder", "webhook": "banner", "task": "Call them."}.get(
        channel, ""
    )
    return {"channel": channel, "delay": delay, "template": words, **fields}


def published(merchant: Merchant, *steps: Mapping[str, Any], **fields: Any) -> DunningCampaign:
    """A current campaign with these steps, the default for soft declines unless told otherwise."""
    given: dict[str, Any] = {"name": "Plan", "default_for": "soft", **fields}
    campaign = DunningCampaign.objects.create(
        merchant=merchant, state="current", published_at=timezone.now(), **given
    )
    DunningStep.objects.bulk_create(
        DunningStep(campaign=campaign, position=position, **step)
        for position, step in enumerate(steps, start=1)
    )
    return campaign
