"""What is owed is charged in Stripe's order; what isn't charged by itself never is."""

from typing import Any

import pytest
from django.utils import timezone

from billing_portal import new_cards
from billing_portal.tasks import charge_new_cards
from recovery import customers
from recovery.models import Merchant, RecoveryCase
from tests.billing_portal.levels import renews
from tests.billing_portal.visits import Visit, stripe_customer
from tests.connected import charges, down, fail_again, hear
from tests.local_stripe import LocalStripe

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def visit(debt: RecoveryCase) -> Visit:
    jo = Visit(debt)
    jo.set_out()
    return jo


def at_stripe(local_stripe: LocalStripe, invoice: str) -> dict[str, Any]:
    found = local_stripe.world.find("invoice", invoice)
    assert found
    return found[1]


def save_card(local_stripe: LocalStripe, case: RecoveryCase) -> str:
    return local_stripe.scenarios.new_card(customer=stripe_customer(case))["payment_method"]


def test_the_oldest_invoice_is_charged_first_whichever_failed_first(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit
) -> None:
    other = fail_again(local_stripe, debt)
    hear(local_stripe)
    RecoveryCase.objects.filter(stripe_invoice_id=other).update(failed_at=debt.opened_at)
    RecoveryCase.objects.filter(pk=debt.pk).update(failed_at=timezone.now())
    save_card(local_stripe, debt)

    visit.come_back()

    assert charges(local_stripe) == [debt.stripe_invoice_id, other]


AGAINST_ITS_NATURE = {
    "the invoice is a draft": {"status": "draft"},
    "the invoice is one that its customer pays by hand": {"collection_method": "send_invoice"},
}


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/invoices"])
@pytest.mark.parametrize("rule", AGAINST_ITS_NATURE)
def test_what_paying_would_charge_against_its_nature_is_not_charged(
    local_stripe: LocalStripe, visit: Visit, path: str, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    debt = visit.link.case
    at_stripe(local_stripe, debt.stripe_invoice_id).update(AGAINST_ITS_NATURE[rule])
    save_card(local_stripe, debt)

    with down(local_stripe, monkeypatch, path):
        assert visit.come_back() == "not_charged"

    assert charges(local_stripe) == []
    refusal = debt.timeline.get(kind="attempt_refused")
    assert (refusal.rule, refusal.summary) == (rule, f"Not charged: {rule}.")
    assert refusal.source.startswith("docs.stripe.com/")


def test_an_invoice_that_cannot_be_looked_at_is_not_charged_blindly(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_card(local_stripe, debt)
    with down(local_stripe, monkeypatch, "/v1/invoice*"):
        assert visit.come_back() == "unavailable"
    assert charges(local_stripe) == []

    assert visit.come_back() == "success"


def test_an_invoice_that_stripe_does_not_know_is_told_as_not_charged(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit
) -> None:
    RecoveryCase.objects.update(stripe_invoice_id="in_gone")
    at_stripe(local_stripe, debt.stripe_invoice_id)["status"] = "void"
    save_card(local_stripe, debt)

    assert visit.come_back() == "not_charged"


def test_a_debt_of_the_other_mode_is_not_asked_for(
    local_stripe: LocalStripe, merchant: Merchant, debt: RecoveryCase, visit: Visit
) -> None:
    other = fail_again(local_stripe, debt)
    hear(local_stripe)
    RecoveryCase.objects.filter(stripe_invoice_id=other).update(livemode=True)
    save_card(local_stripe, debt)

    visit.come_back()

    assert merchant.stripe.livemode is False
    assert charges(local_stripe) == [debt.stripe_invoice_id]


def test_of_an_invoice_that_was_paid_in_part_the_rest_is_told(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit
) -> None:
    invoice = at_stripe(local_stripe, debt.stripe_invoice_id)
    invoice.update(amount_paid=1900, amount_remaining=3000)
    save_card(local_stripe, debt)

    assert visit.come_back() == "success"
    assert visit.outcomes == [("$30.00", "paid")]


def test_a_customer_who_is_there_pays_what_was_paused(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit
) -> None:
    RecoveryCase.objects.update(is_paused=True)
    save_card(local_stripe, debt)

    assert visit.come_back() == "success"
    assert charges(local_stripe) == [debt.stripe_invoice_id]


def test_a_pause_stops_the_charge_and_not_the_new_card(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    own = debt.stripe_subscription_id
    found = local_stripe.world.find("subscription", own)
    assert found
    found[1]["default_payment_method"] = debt.payment_method_id
    RecoveryCase.objects.update(is_paused=True)
    card = save_card(local_stripe, debt)
    hear(local_stripe)

    charge_new_cards()

    assert charges(local_stripe) == []
    assert renews(local_stripe, own) == ("paid", card)


def test_a_repair_that_fails_for_an_unknown_reason_keeps_nothing_from_being_charged(
    local_stripe: LocalStripe, debt: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(**_: object) -> bool:
        raise LookupError

    save_card(local_stripe, debt)
    hear(local_stripe)
    with monkeypatch.context() as patch:
        patch.setattr("recovery.repairs.repair", stumble)
        charge_new_cards()

    debt.refresh_from_db()
    assert debt.status == "recovered"
    assert debt.customer
    debt.customer.refresh_from_db()
    due_at = debt.customer.new_payment_method_due_at
    assert due_at
    [jo] = customers.claim_new_cards(now=due_at)
    new_cards.take_up(jo, now=due_at)
    jo.refresh_from_db()
    assert jo.new_payment_method_due_at is None
