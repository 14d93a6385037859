"""What happens as time passes: renewals, Stripe's retries and the end of them."""

from itertools import pairwise

import pytest
import stripe

from tests.local_stripe import LocalStripe

DAY = 24 * 3600


def _types(client: stripe.StripeClient, *wanted: str) -> list[str]:
    """Those events, oldest first."""
    listed = client.v1.events.list({"types": list(wanted), "limit": 100}).data
    return [event.type for event in reversed(listed)]


def test_a_renewal_is_drafted_and_an_hour_later_finalized_and_charged(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.subscriber()
    item = client.v1.subscriptions.retrieve(ids["subscription"])["items"].data[0]

    local_stripe.clock.advance(seconds=item.current_period_end - local_stripe.clock.now() + 60)
    draft = client.v1.invoices.list({"subscription": ids["subscription"], "limit": 1}).data[0]
    assert (draft.status, draft.billing_reason) == ("draft", "subscription_cycle")
    assert draft.automatically_finalizes_at == item.current_period_end + 3600

    local_stripe.clock.advance(hours=1)
    paid = client.v1.invoices.retrieve(str(draft.id))
    assert (paid.status, paid.amount_paid) == ("paid", 4900)
    assert paid.status_transitions.finalized_at == item.current_period_end + 3600


def test_a_failed_renewal_is_retried_after_1_3_5_and_7_days_and_then_given_up(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails()
    seen = []
    for days in (1, 3, 5, 7):
        invoice = client.v1.invoices.retrieve(ids["invoice"])
        assert invoice.next_payment_attempt is not None
        seen.append((invoice.attempt_count, invoice.next_payment_attempt))
        local_stripe.clock.advance(days=days, minutes=1)

    last = client.v1.invoices.retrieve(ids["invoice"])
    gaps = [later[1] - earlier[1] for earlier, later in pairwise(seen)]
    assert [count for count, _ in seen] == [1, 2, 3, 4]
    assert gaps == [3 * DAY, 5 * DAY, 7 * DAY]
    assert (last.status, last.attempt_count, last.next_payment_attempt) == ("open", 5, None)
    subscription = client.v1.subscriptions.retrieve(ids["subscription"])
    assert subscription.status == "canceled"
    assert subscription.cancellation_details is not None
    assert subscription.cancellation_details.reason == "payment_failed"
    wanted = ("invoice.payment_failed", "customer.subscription.deleted")
    assert _types(client, *wanted) == [wanted[0]] * 5 + [wanted[1]]


@pytest.mark.parametrize("action", ["unpaid", "past_due"])
def test_the_merchant_may_choose_another_end(
    local_stripe: LocalStripe, client: stripe.StripeClient, action: str
) -> None:
    local_stripe.world.billing.after_retries = action
    local_stripe.world.billing.retry_after_days = (1,)
    ids = local_stripe.scenarios.renewal_fails()

    local_stripe.clock.advance(days=2)

    assert client.v1.subscriptions.retrieve(ids["subscription"]).status == action
    assert _types(client, "customer.subscription.deleted") == []


def test_a_retry_that_succeeds_pays_and_puts_the_subscription_in_order(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails()
    local_stripe.scenarios.set_outcome(payment_method=ids["payment_method"])

    local_stripe.clock.advance(days=1, minutes=1)

    invoice = client.v1.invoices.retrieve(ids["invoice"])
    assert (invoice.status, invoice.attempt_count) == ("paid", 2)
    assert invoice.next_payment_attempt is None
    assert client.v1.subscriptions.retrieve(ids["subscription"]).status == "active"


def test_a_hopeless_card_stays_on_the_schedule_and_is_not_charged(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails(reason="stolen_card")

    local_stripe.clock.advance(days=1, minutes=1)

    invoice = client.v1.invoices.retrieve(ids["invoice"])
    assert invoice.attempt_count == 2
    assert invoice.next_payment_attempt is not None
    charges = client.v1.charges.list({"payment_intent": ids["payment_intent"]}).data
    assert len(charges) == 1


def test_a_new_card_brings_a_hopeless_case_back(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails(reason="stolen_card")
    local_stripe.scenarios.new_card(customer=ids["customer"])

    assert client.v1.invoices.retrieve(ids["invoice"]).status == "open"
    local_stripe.clock.advance(days=1, minutes=1)
    assert client.v1.invoices.retrieve(ids["invoice"]).status == "paid"


def test_a_subscriptions_own_card_outranks_the_customers_new_one(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails()
    client.v1.subscriptions.update(
        ids["subscription"], {"default_payment_method": ids["payment_method"]}
    )
    local_stripe.scenarios.new_card(customer=ids["customer"])

    local_stripe.clock.advance(days=1, minutes=1)

    assert client.v1.invoices.retrieve(ids["invoice"]).status == "open"


def test_a_first_payment_that_fails_leaves_it_incomplete_and_it_expires_after_23_hours(
    client: stripe.StripeClient, local_stripe: LocalStripe
) -> None:
    customer = client.v1.customers.create()
    method = client.v1.payment_methods.attach(
        "pm_card_chargeCustomerFail", {"customer": customer.id}
    )
    product = client.v1.products.create({"name": "Plan"})
    price = client.v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 900,
            "recurring": {"interval": "month"},
        }
    )
    subscription = client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": price.id}],
            "default_payment_method": method.id,
        }
    )
    assert subscription.status == "incomplete"

    local_stripe.clock.advance(hours=23, minutes=1)

    expired = client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    assert expired.status == "incomplete_expired"
    assert isinstance(expired.latest_invoice, stripe.Invoice)
    assert expired.latest_invoice.status == "void"
    assert expired.latest_invoice.billing_reason == "subscription_create"


def test_a_canceled_subscription_leaves_its_open_invoice_open_and_payable(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails()

    client.v1.subscriptions.cancel(ids["subscription"])

    invoice = client.v1.invoices.retrieve(ids["invoice"])
    assert (invoice.status, invoice.auto_advance) == ("open", False)
    local_stripe.scenarios.pay(invoice=ids["invoice"])
    assert client.v1.invoices.retrieve(ids["invoice"]).status == "paid"
    assert client.v1.subscriptions.retrieve(ids["subscription"]).status == "canceled"


def test_a_renewal_that_needs_the_cardholder_waits_for_them(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails(reason="3ds")

    intent = client.v1.payment_intents.retrieve(ids["payment_intent"])
    wanted = ("invoice.payment_action_required", "invoice.payment_failed")
    assert intent.status == "requires_action"
    assert _types(client, *wanted) == list(wanted)


@pytest.mark.parametrize(
    ("number", "status"), [("4000002500003155", "paid"), ("4000002760003184", "open")]
)
def test_a_card_that_was_set_up_in_the_portal_may_be_charged_while_its_holder_is_away(
    local_stripe: LocalStripe, client: stripe.StripeClient, number: str, status: str
) -> None:
    ids = local_stripe.scenarios.renewal_fails()
    local_stripe.scenarios.new_card(customer=ids["customer"], number=number)

    local_stripe.clock.advance(days=1, minutes=1)

    assert client.v1.invoices.retrieve(ids["invoice"]).status == status


def test_a_subscription_can_be_made_to_renew_now(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.subscriber()

    renewal = local_stripe.scenarios.renews(subscription=ids["subscription"])

    invoice = client.v1.invoices.retrieve(renewal["invoice"])
    assert (invoice.status, invoice.billing_reason) == ("paid", "subscription_cycle")


def test_a_subscription_to_be_canceled_ends_with_its_period(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.subscriber()
    client.v1.subscriptions.update(ids["subscription"], {"cancel_at_period_end": True})

    local_stripe.clock.advance(days=32)

    ended = client.v1.subscriptions.retrieve(ids["subscription"])
    assert ended.status == "canceled"
    assert ended.cancellation_details is not None
    assert ended.cancellation_details.reason == "cancellation_requested"
    assert len(client.v1.invoices.list({"subscription": ids["subscription"]}).data) == 1
