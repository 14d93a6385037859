import pytest

from recovery.models import Merchant
from tests.local_stripe import LocalStripe
from tests.recovery.stories import KEY


@pytest.fixture
def renewals(local_stripe: LocalStripe, merchant: Merchant) -> None:
    """Three that failed, of three customers."""
    for number, reason in enumerate(["insufficient_funds", "expired_card", "stolen_card"]):
        local_stripe.scenarios.renewal_fails(
            reason=reason, email=f"jo{number}@example.com", key=KEY
        )
