"""From the page to Stripe's portal, or to another way to pay."""

import pytest
from django.utils import timezone

from billing_portal.models import PaymentUpdateLink
from recovery import stripe_gateway
from recovery.models import Merchant, OperatorTask, RecoveryCase, StripeConnection
from tests.billing_portal.visits import PAGE, Visit, stripe_customer
from tests.connected import KEY, ask, down
from tests.local_stripe import LocalStripe
from tests.recovery.stories import at_once, realm

pytestmark = pytest.mark.django_db(transaction=True)
INVOICE_BUTTON = f'action="{PAGE}/invoice"'


def configurations(local_stripe: LocalStripe) -> list[str]:
    return [one["id"] for one in realm(local_stripe).all("billing_portal.configuration")]


def kept_configuration() -> str:
    return StripeConnection.objects.get().portal_configuration_id


def tasks() -> list[tuple[str, str]]:
    return list(OperatorTask.objects.order_by("id").values_list("kind", "summary"))


def told(case: RecoveryCase) -> list[str]:
    entries = case.timeline.filter(kind="no_way_to_stripe").order_by("id")
    return list(entries.values_list("summary", flat=True))


SHOWN_THE_INVOICE = (
    "Stripe's portal could not be opened; the customer was shown the way to the invoice's own "
    "page at Stripe."
)


def test_stripe_being_down_when_setting_out_is_a_503_that_helps(
    local_stripe: LocalStripe, debt: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    jo = Visit(debt)
    with down(local_stripe, monkeypatch):
        assert jo.set_out() == 503

    assert jo.retry_after == "60"
    assert "Please try again in a few minutes" in jo.page
    assert f'value="{jo.token}"' in jo.page
    assert INVOICE_BUTTON in jo.page
    assert tasks() == []
    jo.link.refresh_from_db()
    assert jo.link.started_at is None
    assert jo.set_out() == 303


# --- the portal's configuration ---------------------------------------------------------------


@pytest.mark.parametrize("configuration", ["bpc_gone", ""])
def test_a_portal_configuration_that_is_missing_is_found_again(
    local_stripe: LocalStripe, debt: RecoveryCase, configuration: str
) -> None:
    [ours] = configurations(local_stripe)
    StripeConnection.objects.update(portal_configuration_id=configuration)

    assert Visit(debt).set_out() == 303

    assert kept_configuration() == ours
    assert configurations(local_stripe) == [ours]
    assert tasks() == []


def test_a_portal_configuration_that_was_switched_off_is_replaced(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    [old] = configurations(local_stripe)
    ask(local_stripe, "POST", f"billing_portal/configurations/{old}", active="false")

    assert Visit(debt).set_out() == 303

    [_old, made] = configurations(local_stripe)
    assert kept_configuration() == made
    assert Visit(debt).set_out() == 303
    assert len(configurations(local_stripe)) == 2


def test_two_clicks_at_once_keep_one_configuration(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    [old] = configurations(local_stripe)
    ask(local_stripe, "POST", f"billing_portal/configurations/{old}", active="false")
    visits = [Visit(debt), Visit(debt)]

    assert at_once(*(jo.set_out for jo in visits)) == [303, 303]

    kept = kept_configuration()
    assert kept in configurations(local_stripe)[1:]
    assert Visit(debt).set_out() == 303
    assert kept_configuration() == kept


def test_a_key_that_may_not_make_a_configuration_shows_another_way_to_pay(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    [old] = configurations(local_stripe)
    ask(local_stripe, "POST", f"billing_portal/configurations/{old}", active="false")
    local_stripe.world.restrict(KEY, missing=["rak_customer_portal_write"])
    jo = Visit(debt)

    assert jo.set_out() == 200

    assert INVOICE_BUTTON in jo.page
    assert configurations(local_stripe) == [kept_configuration()] == [old]
    assert [kind for kind, _summary in tasks()] == ["permission_missing"]


def test_a_portal_that_stripe_opens_with_no_configuration_is_left_to_a_person(
    debt: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        stripe_gateway.StripeGateway, "ensure_portal_configuration", lambda _self: "bpc_gone"
    )
    StripeConnection.objects.update(portal_configuration_id="")
    jo = Visit(debt)

    assert jo.set_out() == 200

    [(kind, summary)] = tasks()
    assert kind == "stripe_refused"
    assert "No such billing_portal_configuration: 'bpc_gone'" in summary


# --- whom a person can help -------------------------------------------------------------------


def test_a_deleted_customer_is_shown_another_way_to_pay_and_a_person_hears_of_it(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    customer = stripe_customer(debt)
    ask(local_stripe, "DELETE", f"customers/{customer}")
    jo = Visit(debt)

    assert [jo.set_out(), jo.set_out(), Visit(debt).set_out()] == [200, 200, 200]

    assert "Pay this another way" in jo.page
    assert jo.to_invoice() == debt.hosted_invoice_url
    summary = (
        f"The customer {customer} was deleted in Stripe but still owes. Send the invoice from "
        "Stripe's dashboard and wait for its payment, or void it there."
    )
    assert tasks() == [("customer_deleted", summary)]
    assert told(debt) == [SHOWN_THE_INVOICE] * 2  # once for each link


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


def test_a_customer_that_stripe_knows_nothing_of_counts_as_deleted(debt: RecoveryCase) -> None:
    assert debt.customer
    debt.customer.stripe_customer_id = "cus_gone"
    debt.customer.save()

    assert Visit(debt).set_out() == 200

    assert [kind for kind, _summary in tasks()] == ["customer_deleted"]


def test_a_key_that_may_not_open_the_portal_shows_another_way_to_pay(
    local_stripe: LocalStripe, debt: RecoveryCase, caplog: pytest.LogCaptureFixture
) -> None:
    local_stripe.world.restrict(KEY, missing=["rak_customer_portal_write"])
    jo = Visit(debt)

    assert [jo.set_out(), jo.set_out()] == [200, 200]

    assert "Pay this another way" in jo.page
    assert INVOICE_BUTTON in jo.page
    assert "rak_customer_portal_write" in caplog.text
    summary = (
        "Allow rak_customer_portal_write for Recover's key in Stripe's dashboard, under "
        "Developers → API keys. Without it customers who want to pay can't be sent to Stripe's "
        "portal."
    )
    assert tasks() == [("permission_missing", summary)]
    assert told(debt) == [SHOWN_THE_INVOICE]
    assert PaymentUpdateLink.objects.get().started_at is None


def test_a_key_that_was_revoked_is_told_of_once_until_it_is_mended(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    local_stripe.world.revoke(KEY)
    assert [Visit(debt).set_out(), Visit(debt).set_out()] == [200, 200]
    assert [kind for kind, _summary in tasks()] == ["key_refused"]

    StripeConnection.objects.update(connected_at=timezone.now())
    assert Visit(debt).set_out() == 200
    assert [kind for kind, _summary in tasks()] == ["key_refused"] * 2


def test_a_merchant_that_is_no_longer_connected_shows_another_way_to_pay(
    merchant: Merchant, debt: RecoveryCase
) -> None:
    merchant.stripe.disconnected_at = timezone.now()
    merchant.stripe.save()
    jo = Visit(debt)

    assert jo.set_out() == 200
    assert "Pay this another way" in jo.page
    assert [kind for kind, _summary in tasks()] == ["key_refused"]


def test_a_merchant_that_never_had_a_stripe_has_nothing_to_mend(
    merchant: Merchant, debt: RecoveryCase
) -> None:
    merchant.stripe.api_key = ""
    merchant.stripe.account_id = ""
    merchant.stripe.save()

    assert Visit(debt).set_out() == 200

    assert tasks() == []
    assert told(debt) == [SHOWN_THE_INVOICE]
