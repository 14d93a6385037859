"""PaymentIntents, and asking for money: an invoice's or a one-time payment's."""

import re
from typing import Any

from recovery.reading import id_of, items, text
from recovery.stripe_errors import DeclinedError, RefusedError
from recovery.stripe_gateway.wire import Door, errors_named
from recovery.stripe_objects import UNDER_WAY, Charged, Invoice, PaymentIntent

BY_INTENT_STATUS = {"succeeded": "paid"} | dict.fromkeys(UNDER_WAY, "pending")


class PaymentIntents(Door):
    def _payment_intent(self, intent_id: str) -> dict[str, Any]:
        return self._read("payment_intents", intent_id, expand=["latest_charge"])

    def payment_intent(self, intent_id: str) -> PaymentIntent:
        """Raises ObjectMissingError."""
        return PaymentIntent.read(self._payment_intent(intent_id))

    def invoice_of(self, intent_id: str) -> str:
        """The invoice that a PaymentIntent pays, "" for a one-time payment."""
        with errors_named():
            found = self._client.v1.invoice_payments.list(
                {"payment": {"type": "payment_intent", "payment_intent": intent_id}}
            ).to_dict()
        return next((id_of(payment.get("invoice")) for payment in items(found)), "")

    def pay_invoice(
        self, invoice_id: str, *, payment_method_id: str, key: str, is_customer_present: bool
    ) -> Charged:
        """Charge an open invoice. A decline is an answer. Raises ObjectMissingError."""
        try:
            with errors_named():
                invoice = self._client.v1.invoices.pay(
                    invoice_id,
                    {"payment_method": payment_method_id, "off_session": not is_customer_present},
                    {"idempotency_key": key},
                ).to_dict()
        except DeclinedError as error:
            return error.charged
        except RefusedError as error:
            if "already paid" in str(error):
                return Charged("already_paid")
            if "open invoices" in str(error):
                return Charged("not_open")
            raise
        return Charged("paid" if Invoice.read(invoice).is_paid else "pending")

    def confirm_payment(
        self, intent_id: str, *, payment_method_id: str, key: str, is_customer_present: bool
    ) -> Charged:
        """Charge a failed one-time payment to another payment method, as `pay_invoice` does."""
        try:
            with errors_named():
                intent = self._client.v1.payment_intents.confirm(
                    intent_id,
                    {"payment_method": payment_method_id, "off_session": not is_customer_present},
                    {"idempotency_key": key},
                ).to_dict()
        except DeclinedError as error:
            return error.charged
        except RefusedError as error:
            if re.search(r"already succeeded|status of succeeded", str(error)):
                return Charged("already_paid")
            if "status of canceled" in str(error):
                return Charged("not_open")
            raise
        return Charged(BY_INTENT_STATUS.get(text(intent.get("status")), "requires_action"))
