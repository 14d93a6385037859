"""Stripe's own page of an invoice is looked up when the customer goes there."""

import pytest
from django.test import Client
from django.utils import timezone

from billing_portal import invoice_pages
from recovery.models import RecoveryCase
from tests.billing_portal.visits import PAGE, Visit
from tests.connected import down, hear
from tests.local_stripe import LocalStripe
from tests.recovery.stories import realm

pytestmark = pytest.mark.django_db(transaction=True)
OF_TODAY = "https://invoice.stripe.com/i/acct_1/today"


@pytest.fixture
def moved(local_stripe: LocalStripe, debt: RecoveryCase) -> RecoveryCase:
    """Stripe has a newer address of the page than the webhook told."""
    invoice = realm(local_stripe).tables["invoice"][debt.stripe_invoice_id]
    invoice["hosted_invoice_url"] = OF_TODAY
    return debt


def test_the_button_leads_to_the_address_that_stripe_has_now(moved: RecoveryCase) -> None:
    jo = Visit(moved)

    assert jo.to_invoice() == OF_TODAY

    moved.refresh_from_db()
    assert moved.hosted_invoice_url == OF_TODAY
    jo.link.refresh_from_db()
    assert jo.link.started_at
    told = moved.timeline.get(kind="update_started")
    assert told.summary == "The customer went to the invoice's own page at Stripe to pay."


def test_where_stripe_cannot_be_asked_the_address_that_was_told_must_do(
    local_stripe: LocalStripe, moved: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = moved.hosted_invoice_url
    with down(local_stripe, monkeypatch):
        assert Visit(moved).to_invoice() == known


def test_the_page_itself_asks_stripe_for_nothing(
    local_stripe: LocalStripe, moved: RecoveryCase
) -> None:
    RecoveryCase.objects.update(decline_code="authentication_required")
    asked = len(local_stripe.requests)

    assert f'action="{PAGE}/invoice"' in Visit(moved).read()
    assert len(local_stripe.requests) == asked


def test_only_a_valid_link_leads_there(local_stripe: LocalStripe, debt: RecoveryCase) -> None:
    local_stripe.scenarios.pay(invoice=debt.stripe_invoice_id)
    hear(local_stripe)
    paid = Client().post(f"{PAGE}/invoice", {"token": Visit(debt).token})
    forged = Client().post(f"{PAGE}/invoice", {"token": "x"})
    fetched = Client().get(f"{PAGE}/invoice")

    assert (paid.status_code, forged.status_code, fetched.status_code) == (200, 400, 405)
    assert "this is paid" in paid.content.decode()


def test_an_invoice_without_a_page_leads_back(
    debt: RecoveryCase, local_stripe: LocalStripe
) -> None:
    RecoveryCase.objects.update(hosted_invoice_url="")
    realm(local_stripe).tables["invoice"][debt.stripe_invoice_id]["hosted_invoice_url"] = None
    jo = Visit(debt)

    assert jo.to_invoice() == f"{PAGE}?token={jo.token}"


def test_a_one_time_payment_has_no_such_page() -> None:
    case = RecoveryCase(stripe_payment_intent_id="pi_1", hosted_invoice_url="")
    assert invoice_pages.address(case, now=timezone.now()) == ""
