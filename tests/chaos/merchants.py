"""python -m tests.chaos.merchants COUNT: the merchants of a history; prints the paths that Stripe
would be given, as JSON. Whose Stripe can be asked has a campaign that writes at once, charges
after an hour and writes again months later."""

import json
import sys
from datetime import timedelta

import django

django.setup()

from django.utils import timezone  # noqa: E402 - they need a booted Django

from dunning import campaigns  # noqa: E402
from dunning.plans.campaign_facts import StepFacts  # noqa: E402
from dunning.timing.schedule import Channel  # noqa: E402
from recovery.charging_rules import RetryDriver  # noqa: E402
from recovery.endpoints import webhook_url  # noqa: E402
from tests.builders import make_merchant  # noqa: E402
from tests.chaos.history import MERCHANTS, Merchant  # noqa: E402

STEPS = (
    StepFacts(delay=timedelta(0), template="failed"),
    StepFacts(delay=timedelta(hours=1), channel=Channel.RETRY),
    StepFacts(delay=timedelta(days=90), template="final"),
)


def open_door(merchant: Merchant) -> str:
    made = make_merchant(
        f"Chaos {merchant.number}", currency=merchant.currency, webhook_secret=merchant.secret,
    )  # fmt: skip
    made.stripe.api_key, made.stripe.livemode = merchant.key, merchant.livemode
    made.stripe.save()
    if merchant.key:
        draft = campaigns.create(
            merchant=made, name="Chaos", steps=STEPS, conditions={"decline_types": ["soft"]},
            retries=RetryDriver.RECOVER,
        )  # fmt: skip
        campaigns.publish(draft, now=timezone.now())
    return "".join(webhook_url(made).partition("/fourthngoal/")[1:])


if __name__ == "__main__":
    print(json.dumps([open_door(merchant) for merchant in MERCHANTS[: int(sys.argv[1])]]))
