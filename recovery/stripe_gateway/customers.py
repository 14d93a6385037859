"""Customers, their payment methods and their subscriptions."""

from recovery.payment_levels import Level, Place, Subscription
from recovery.stripe_gateway.wire import PAGE, Door, errors_named
from recovery.stripe_objects import Customer, Invoice, PaymentIntent, PaymentMethod


class Customers(Door):
    def customer(self, customer_id: str) -> Customer:
        """Raises ObjectMissingError; a deleted customer is returned as deleted."""
        return Customer.read(self._read("customers", customer_id))

    def payment_method(self, payment_method_id: str) -> PaymentMethod:
        """What it is now: an account updater may have changed it. Raises ObjectMissingError."""
        with errors_named():
            found = self._client.v1.payment_methods.retrieve(payment_method_id).to_dict()
        return PaymentMethod.read(found)

    def method_to_charge(self, debt: Invoice | PaymentIntent) -> str:
        """The payment method that Stripe would charge for a debt, "" if there is none: the
        invoice's own, the subscription's, the customer's; of a one-time payment the customer's.

        Raises ObjectMissingError. Source: docs.stripe.com/billing/subscriptions/
        payment-methods-setting#payment-method-priority
        """
        if isinstance(debt, Invoice):
            if debt.default_payment_method_id:
                return debt.default_payment_method_id
            own = self.subscription(debt.subscription_id).method_id if debt.subscription_id else ""
            if own:
                return own
        return (
            self.customer(debt.customer_id).default_payment_method_id if debt.customer_id else ""
        )

    def subscription(self, subscription_id: str) -> Subscription:
        """Raises ObjectMissingError."""
        with errors_named():
            found = self._client.v1.subscriptions.retrieve(subscription_id).to_dict()
        return Subscription.read(found)

    def subscriptions(self, customer_id: str) -> list[Subscription]:
        """The customer's, but for canceled ones, newest first. Raises ObjectMissingError."""
        with errors_named():
            listed = self._client.v1.subscriptions.list({"customer": customer_id, "limit": PAGE})
            return [Subscription.read(one.to_dict()) for one in listed.auto_paging_iter()]

    def put_method(self, place: Place, *, payment_method_id: str) -> None:
        """Have Stripe charge that payment method from now on. Asked for twice it is the same.

        A subscription's source that failed is taken away with it: it would be charged again once
        the payment method were removed. Raises ObjectMissingError, RefusedError.
        """
        with errors_named():
            if place.level is Level.INVOICE:
                self._client.v1.invoices.update(
                    place.object_id, {"default_payment_method": payment_method_id}
                )
            elif place.level is Level.CUSTOMER:
                self._client.v1.customers.update(
                    place.object_id,
                    {"invoice_settings": {"default_payment_method": payment_method_id}},
                )
            elif place.is_source:
                self._client.v1.subscriptions.update(
                    place.object_id,
                    {"default_payment_method": payment_method_id, "default_source": ""},
                )
            else:
                self._client.v1.subscriptions.update(
                    place.object_id, {"default_payment_method": payment_method_id}
                )

    def cancel_subscription(self, subscription_id: str) -> None:
        """Cancel at once; its open invoices stay open. Raises ObjectMissingError if it is canceled
        already. Stripe takes no idempotency key with a DELETE, and needs none."""
        with errors_named():
            self._client.v1.subscriptions.cancel(subscription_id)
