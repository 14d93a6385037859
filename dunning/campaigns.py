"""The campaigns that a merchant starts with, one for each type of decline."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from django.db import transaction

from dunning.models import DunningCampaign, DunningStep
from recovery.declines import DeclineType
from recovery.models import Merchant

# When each mail goes, counted from the failure, and which words it uses. Stripe's own retries
# run for two to four weeks, so the last mail comes while the money can still be had
# (Recurly: 27-28 days; Baremetrics and Churn Buster: 3-5 mails).
DEFAULTS: Mapping[DeclineType, tuple[tuple[timedelta, str], ...]] = MappingProxyType(
    {
        DeclineType.SOFT: (
            (timedelta(0), "failed"),
            (timedelta(days=3), "reminder"),
            (timedelta(days=8), "reminder"),
            (timedelta(days=14), "final"),
        ),
        DeclineType.HARD: (
            (timedelta(0), "new_card"),
            (timedelta(days=3), "reminder"),
            (timedelta(days=7), "reminder"),
            (timedelta(days=12), "final"),
        ),
        DeclineType.ACTION_REQUIRED: (
            (timedelta(0), "action"),
            (timedelta(days=2), "reminder"),
            (timedelta(days=6), "reminder"),
            (timedelta(days=12), "final"),
        ),
    }
)


@transaction.atomic
def default(*, merchant: Merchant, decline_type: DeclineType, now: datetime) -> DunningCampaign:
    """The merchant's campaign for a type of decline; the default one is made at first use."""
    campaign, created = DunningCampaign.objects.get_or_create(
        merchant=merchant, default_for=decline_type, state=DunningCampaign.State.CURRENT,
        defaults={
            "name": f"Default for {decline_type.replace('_', ' ')} declines", "published_at": now,
        },
    )  # fmt: skip
    if created:
        DunningStep.objects.bulk_create(
            DunningStep(campaign=campaign, position=position, delay=delay, template=template)
            for position, (delay, template) in enumerate(DEFAULTS[decline_type], start=1)
        )
    return campaign
