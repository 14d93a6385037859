"""What can't be charged yet, or isn't known yet, is told as that once its customer is back."""

import pytest
from django.utils import timezone

from recovery.models import RecoveryCase
from recovery.stripe_gateway import StripeGateway
from recovery.stripe_objects import Charged
from tests.billing_portal.visits import Visit, save_card
from tests.connected import charges
from tests.local_stripe import LocalStripe

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "why",
    [{"network_advice_code": "25"}, {"state": "requires_action"}],
    ids=["the network's wait", "the card's budget"],
)
def test_a_card_that_has_to_wait_is_not_called_settled(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit, why: dict[str, str]
) -> None:
    """The same number once more, a little later."""
    saved = save_card(local_stripe, debt, card="pm_card_mastercard")
    found = local_stripe.world.find("payment_method", saved)
    assert found
    card = {"fingerprint": found[1]["card"]["fingerprint"], "card_brand": "mastercard"}
    debt.attempts.update(attempted_at=timezone.now(), **card, **why)
    if "state" in why:
        attempt = debt.attempts.get()
        for number in range(10):
            attempt.pk = None
            attempt.key, attempt.stripe_charge_id = f"{number}", f"ch_{number}"
            attempt.save(force_insert=True)

    assert visit.come_back() == "card_waits"

    assert visit.outcomes == [("$49.00", "not_yet")]
    assert visit.again != ""
    assert "another card" in visit.page
    assert "settled" not in visit.page
    assert charges(local_stripe) == []


def test_a_bank_that_takes_days_is_not_said_to_answer_in_a_moment(
    debt: RecoveryCase, local_stripe: LocalStripe, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_card(local_stripe, debt)
    monkeypatch.setattr(StripeGateway, "pay_invoice", lambda *_, **__: Charged("pending"))

    assert [visit.come_back() for _again in range(2)] == ["checkout_pending"] * 2
    assert visit.outcomes == [("$49.00", "pending")]
    assert "can take a few days" in visit.page
    assert "Refresh this page" in visit.page
    assert "Your payment is under way" in visit.read()
