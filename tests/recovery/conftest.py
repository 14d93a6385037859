"""A local Stripe, a merchant that may ask it, and cases that it told of."""

from collections.abc import Iterator

import pytest
import stripe
from pytest_django import Settings

from recovery.models import Merchant
from recovery.stripe_gateway import StripeGateway
from tests.builders import make_merchant
from tests.local_stripe import LocalStripe
from tests.local_stripe_tests.openapi import Validator
from tests.recovery.stories import KEY


@pytest.fixture
def local_stripe(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalStripe]:
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0)  # the SDK's retries don't wait
    with LocalStripe(on_exchange=Validator().check) as running:
        settings.STRIPE_API_BASE = running.url
        yield running


@pytest.fixture
def merchant(db: None, local_stripe: LocalStripe) -> Merchant:
    made = make_merchant()
    made.stripe.api_key = KEY
    made.stripe.livemode = False
    made.stripe.save()
    return made


@pytest.fixture
def gateway(local_stripe: LocalStripe) -> StripeGateway:
    return StripeGateway(api_key=KEY)


@pytest.fixture
def renewal(local_stripe: LocalStripe) -> dict[str, str]:
    """The ids of one that failed by an expired card."""
    return local_stripe.scenarios.renewal_fails(reason="expired_card", key=KEY)
