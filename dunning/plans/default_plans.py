"""The campaigns that a merchant starts with, one for each type of decline."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from dunning.plans.campaign_facts import CampaignFacts, StepFacts
from recovery.declines import DeclineType

# Days after the failure, and the words of the mail. All of them are left to Stripe's retries.
# - They span four weeks: Recurly found no difference between schedules that end before 20 days
#   and recommends 27 to 28; Churn Buster runs for 25 to 28.
# - Five mails: each recovers about half of what the one before did (12-20 %, 8-12 %, 3-5 %,
#   2-4 %), and the field writes three to five (LostChurn, savemrr).
# - A soft decline's first mail waits a day: Stripe's first silent retries bring back 15 to 21 %
#   that need no mail at all (Churn Buster).
# - After a hard decline, and where the bank wants to hear from the customer, no retry helps:
#   the first mail goes at once.
SCHEDULES: Mapping[DeclineType, tuple[tuple[int, str], ...]] = MappingProxyType(
    {
        DeclineType.SOFT: (
            (1, "failed"), (4, "reminder"), (10, "reminder"), (18, "reminder"), (27, "final"),
        ),
        DeclineType.HARD: (
            (0, "new_card"), (3, "reminder"), (8, "reminder"), (16, "reminder"), (27, "final"),
        ),
        DeclineType.ACTION_REQUIRED: (
            (0, "action"), (2, "reminder"), (6, "reminder"), (14, "reminder"), (27, "final"),
        ),
    }
)  # fmt: skip


def _default(decline_type: DeclineType) -> CampaignFacts:
    return CampaignFacts(
        name=f"Default for {decline_type.replace('_', ' ')} declines",
        steps=tuple(
            StepFacts(delay=timedelta(days=day), template=template)
            for day, template in SCHEDULES[decline_type]
        ),
        default_for=decline_type,
    )


DEFAULTS: Mapping[DeclineType, CampaignFacts] = MappingProxyType(
    {decline_type: _default(decline_type) for decline_type in DeclineType}
)
