"""An invoice that was marked uncollectible: no card is charged for it, and its pages say so."""

import pytest
from django.utils import timezone

from billing_portal import links
from recovery import cases
from recovery.models import RecoveryCase
from tests.billing_portal.visits import PAGE, Visit, stripe_customer
from tests.connected import charges, fail_again, hear
from tests.local_stripe import LocalStripe
from tests.recovery.stories import stripe_is_down

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_was_written_off_is_not_charged(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit
) -> None:
    local_stripe.scenarios.mark_uncollectible(invoice=debt.stripe_invoice_id)
    hear(local_stripe)
    assert visit.come_back() == "given_up"
    local_stripe.scenarios.new_card(customer=stripe_customer(debt))

    assert visit.come_back() == "given_up"
    assert "no longer collects this payment" in visit.page
    assert "nothing open" not in visit.page
    assert 'href="http' in visit.page.partition("See the invoice at Stripe")[0]
    assert charges(local_stripe) == []
    assert RecoveryCase.objects.get().status == "lost"


def test_what_stripe_cannot_list_is_not_said_to_be_given_up(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit
) -> None:
    """It was only no longer asked for, and may be paid."""
    now = timezone.now()
    cases.close(case=debt, reason="", actor="jo", now=now)
    local_stripe.scenarios.new_card(customer=stripe_customer(debt))
    with stripe_is_down(local_stripe, "/v1/invoices"):
        assert visit.come_back() == "unavailable"

    assert visit.come_back() == "success"


@pytest.mark.parametrize("is_canceled", [False, True])
def test_the_page_of_what_was_written_off_leads_to_the_invoice_and_to_no_card(
    local_stripe: LocalStripe, debt: RecoveryCase, is_canceled: bool
) -> None:
    """A subscription that ends for lack of payment may have its invoice written off, too."""
    if is_canceled:
        local_stripe.scenarios.cancel(subscription=debt.stripe_subscription_id)
    local_stripe.scenarios.mark_uncollectible(invoice=debt.stripe_invoice_id)
    hear(local_stripe)
    jo = Visit(debt)
    page = jo.read()

    assert "no longer collects this payment" in page
    assert f'action="{PAGE}/invoice"' in page
    assert "Update payment details" not in page
    assert (jo.set_out(), jo.location) == (303, f"{PAGE}?token={jo.token}")
    assert jo.to_invoice().startswith("http")


def test_what_was_written_off_leads_on_to_what_is_open(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    other = fail_again(local_stripe, debt)
    local_stripe.scenarios.mark_uncollectible(invoice=debt.stripe_invoice_id)
    hear(local_stripe)
    jo = Visit(debt)

    assert "Something else is still open" in jo.read()
    assert jo.set_out() == 303
    assert leads_to(jo.location) == other


def leads_to(address: str) -> str:
    """The invoice of the link behind it."""
    token = address.partition("token=")[2].partition("&")[0]
    link = links.find(token, now=timezone.now()).link
    assert link
    return link.case.stripe_invoice_id
