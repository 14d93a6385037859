"""Paying invoices."""

import pytest
import stripe

from tests.local_stripe import LocalStripe
from tests.local_stripe_tests.conftest import body_of, headers_of_error

Ids = dict[str, str]


def _manual_invoice(client: stripe.StripeClient, card: str = "pm_card_visa") -> Ids:
    customer = client.v1.customers.create({"email": "jo@example.com"})
    method = client.v1.payment_methods.attach(card, {"customer": customer.id})
    client.v1.invoice_items.create({"customer": customer.id, "amount": 2000, "currency": "usd"})
    invoice = client.v1.invoices.create(
        {"customer": customer.id, "pending_invoice_items_behavior": "include"}
    )
    return {"customer": customer.id, "payment_method": method.id, "invoice": str(invoice.id)}


def test_paying_a_draft_finalizes_and_charges_it(client: stripe.StripeClient) -> None:
    ids = _manual_invoice(client)

    paid = client.v1.invoices.pay(ids["invoice"], {"payment_method": ids["payment_method"]})

    assert (paid.status, paid.amount_paid, paid.attempt_count) == ("paid", 2000, 1)
    assert paid.parent is None
    assert paid.status_transitions.finalized_at is not None


def test_a_paid_invoice_cannot_be_paid_again(client: stripe.StripeClient) -> None:
    ids = _manual_invoice(client)
    params: stripe.params.InvoicePayParams = {"payment_method": ids["payment_method"]}
    client.v1.invoices.pay(ids["invoice"], params)

    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.invoices.pay(ids["invoice"], params)
    assert error.value.http_status == 400
    assert error.value.user_message == "Invoice is already paid"
    assert error.value.code is None


@pytest.mark.parametrize("closing", ["void", "mark_uncollectible"])
def test_a_closed_invoice_cannot_be_paid(
    local_stripe: LocalStripe, client: stripe.StripeClient, closing: str
) -> None:
    ids = local_stripe.scenarios.renewal_fails()
    getattr(local_stripe.scenarios, closing)(invoice=ids["invoice"])

    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.invoices.pay(ids["invoice"])
    assert error.value.user_message == (
        "You can only pass in open invoices. This invoice isn't open."
    )


def test_a_declined_pay_is_a_402_with_the_whole_payment_intent(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails(
        reason="insufficient_funds", network_decline_code="51", network_advice_code="02"
    )

    with pytest.raises(stripe.CardError) as error:
        client.v1.invoices.pay(ids["invoice"])

    assert headers_of_error(error.value)["Stripe-Should-Retry"] == "false"
    body = body_of(error.value)
    assert (body["code"], body["decline_code"]) == ("card_declined", "insufficient_funds")
    assert body["advice_code"] == "try_again_later"
    intent = body["payment_intent"]
    assert intent["status"] == "requires_payment_method"
    assert intent["payment_method"] is None
    assert intent["last_payment_error"]["network_decline_code"] == "51"
    assert intent["last_payment_error"]["network_advice_code"] == "02"
    assert intent["last_payment_error"]["payment_method"]["card"]["last4"] == "0341"
    assert intent["payment_details"]["order_reference"] == ids["invoice"]


def test_a_manual_attempt_neither_counts_nor_disturbs_the_schedule(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails()
    before = client.v1.invoices.retrieve(ids["invoice"])

    with pytest.raises(stripe.CardError):
        client.v1.invoices.pay(ids["invoice"])

    after = client.v1.invoices.retrieve(ids["invoice"])
    assert before.attempt_count == after.attempt_count == 1
    assert before.next_payment_attempt == after.next_payment_attempt is not None


def test_the_invoice_leads_to_its_payment_and_the_payment_to_its_invoice(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails()

    by_invoice = client.v1.invoice_payments.list(
        {"invoice": ids["invoice"], "expand": ["data.payment.payment_intent"]}
    ).data
    intent = by_invoice[0].payment.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.decline_code == "insufficient_funds"
    by_intent = client.v1.invoice_payments.list(
        {"payment": {"type": "payment_intent", "payment_intent": intent.id}}
    ).data
    assert [payment.invoice for payment in by_intent] == [ids["invoice"]]


def test_payments_are_in_an_invoice_only_when_expanded(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails()

    assert "payments" not in client.v1.invoices.retrieve(ids["invoice"])
    expanded = client.v1.invoices.retrieve(
        ids["invoice"], {"expand": ["payments.data.payment.payment_intent"]}
    )
    assert expanded.payments is not None
    intent = expanded.payments.data[0].payment.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert intent.id == ids["payment_intent"]


def test_paid_out_of_band_is_paid_without_a_charge(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails()

    paid = client.v1.invoices.pay(ids["invoice"], {"paid_out_of_band": True})

    assert (paid.status, paid.amount_paid) == ("paid", 0)
    types = [event.type for event in client.v1.events.list({"limit": 6}).data]
    assert "invoice.paid" in types
    assert "invoice.payment_succeeded" not in types
    assert client.v1.payment_intents.retrieve(ids["payment_intent"]).status == "canceled"


def test_an_absent_cardholder_is_declined_and_a_present_one_is_asked(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = _manual_invoice(client, "pm_card_authenticationRequired")
    params: stripe.params.InvoicePayParams = {"payment_method": ids["payment_method"]}

    with pytest.raises(stripe.CardError) as absent:
        client.v1.invoices.pay(ids["invoice"], params)
    assert absent.value.code == "authentication_required"
    with pytest.raises(stripe.CardError) as present:
        client.v1.invoices.pay(ids["invoice"], {**params, "off_session": False})
    assert present.value.code == "invoice_payment_intent_requires_action"
    types = [event.type for event in client.v1.events.list({"limit": 1}).data]
    assert types == ["invoice.payment_action_required"]


def test_voiding_a_renewal_puts_the_subscription_in_order(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails()
    assert client.v1.subscriptions.retrieve(ids["subscription"]).status == "past_due"

    client.v1.invoices.void_invoice(ids["invoice"])

    assert client.v1.subscriptions.retrieve(ids["subscription"]).status == "active"


def test_invoices_are_listed_by_status_subscription_customer_and_time(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    first = local_stripe.scenarios.renewal_fails()
    second = local_stripe.scenarios.renewal_fails(email="b@example.com")

    def listed(**filters: object) -> list[str]:
        return [str(one.id) for one in client.v1.invoices.list(filters).data]  # type: ignore[arg-type]

    assert listed(status="open") == [second["invoice"], first["invoice"]]
    assert listed(status="open", subscription=first["subscription"]) == [first["invoice"]]
    assert listed(status="paid", customer=second["customer"]) == [second["first_invoice"]]
    now = local_stripe.clock.now()
    assert listed(created={"gt": now + 5}) == []
    assert len(listed(created={"gte": now - 60})) == 2
