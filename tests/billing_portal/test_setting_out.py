"""From the page to Stripe's portal, or to another way to pay."""

import pytest
from django.utils import timezone

from recovery.models import Merchant, RecoveryCase
from tests.billing_portal.visits import Visit, stripe_customer
from tests.connected import KEY, ask, down
from tests.local_stripe import LocalStripe

pytestmark = pytest.mark.django_db(transaction=True)


def test_stripe_being_down_when_setting_out_is_a_503_that_helps(
    local_stripe: LocalStripe, debt: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    jo = Visit(debt)
    with down(local_stripe, monkeypatch):
        assert jo.set_out() == 503

    assert jo.retry_after == "60"
    assert "Please try again in a few minutes" in jo.page
    assert f'value="{jo.token}"' in jo.page
    assert debt.hosted_invoice_url in jo.page
    jo.link.refresh_from_db()
    assert jo.link.started_at is None
    assert jo.set_out() == 303


def test_a_deleted_customer_is_shown_another_way_to_pay(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    ask(local_stripe, "DELETE", f"customers/{stripe_customer(debt)}")
    jo = Visit(debt)

    assert jo.set_out() == 200

    assert "Pay this another way" in jo.page
    assert debt.hosted_invoice_url in jo.page
    jo.link.refresh_from_db()
    assert jo.link.started_at is None


def test_a_customer_whose_deletion_was_heard_of_is_not_asked_about_again(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    assert debt.customer
    debt.customer.is_deleted = True
    debt.customer.save()
    asked = len(local_stripe.requests)
    jo = Visit(debt)

    assert jo.set_out() == 200

    assert "Pay this another way" in jo.page
    assert len(local_stripe.requests) == asked


def test_a_key_that_may_not_open_the_portal_shows_another_way_to_pay(
    local_stripe: LocalStripe, debt: RecoveryCase, caplog: pytest.LogCaptureFixture
) -> None:
    local_stripe.world.restrict(KEY, missing=["rak_customer_portal_write"])
    jo = Visit(debt)

    assert jo.set_out() == 200

    assert "Pay this another way" in jo.page
    assert debt.hosted_invoice_url in jo.page
    assert "rak_customer_portal_write" in caplog.text


def test_a_merchant_that_is_no_longer_connected_shows_another_way_to_pay(
    local_stripe: LocalStripe, merchant: Merchant, debt: RecoveryCase
) -> None:
    merchant.stripe.disconnected_at = timezone.now()
    merchant.stripe.save()
    jo = Visit(debt)

    assert jo.set_out() == 200
    assert "Pay this another way" in jo.page


@pytest.mark.parametrize("configuration", ["bpc_gone", ""])
def test_without_a_portal_configuration_there_is_another_way_to_pay(
    local_stripe: LocalStripe, merchant: Merchant, debt: RecoveryCase, configuration: str
) -> None:
    merchant.stripe.portal_configuration_id = configuration
    merchant.stripe.save()
    jo = Visit(debt)

    assert jo.set_out() == 200
    assert "Pay this another way" in jo.page
