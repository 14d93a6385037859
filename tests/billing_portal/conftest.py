import pytest

from recovery.models import RecoveryCase
from tests.billing_portal.visits import Visit
from tests.connected import debt, local_stripe, merchant

__all__ = ["debt", "local_stripe", "merchant"]


@pytest.fixture
def visit(debt: RecoveryCase) -> Visit:
    """Jo is at Stripe, with the renewal's link."""
    jo = Visit(debt)
    assert jo.set_out() == 303
    return jo
