"""Invoices: what they owe, and what is decided about them."""

import secrets
from dataclasses import replace
from typing import Any

from recovery.payment_levels import BY_INVOICE
from recovery.reading import Node, id_of, items, node
from recovery.stripe_errors import MissingPermissionError, ObjectMissingError
from recovery.stripe_gateway.customers import Customers
from recovery.stripe_gateway.payment_intents import PaymentIntents
from recovery.stripe_gateway.wire import PAGE, errors_named
from recovery.stripe_objects import NO_PAYMENT_METHOD, Invoice, PaymentIntent


class Invoices(PaymentIntents, Customers):
    def invoice(self, invoice_id: str) -> Invoice:
        """The invoice now, with its newest payment's failure. Raises ObjectMissingError."""
        with errors_named():
            invoice = self._client.v1.invoices.retrieve(invoice_id).to_dict()
            payments = self._client.v1.invoice_payments.list({"invoice": invoice_id}).to_dict()
        intent_id = self._newest_intent(payments) or id_of(invoice.get("payment_intent"))
        if intent_id:
            invoice["payment_intent"] = self._payment_intent(intent_id)
        found = Invoice.read(invoice)
        has_nothing = intent_id and self._has_nothing_to_charge(found, invoice["payment_intent"])
        return replace(found, failure=NO_PAYMENT_METHOD) if has_nothing else found

    def _has_nothing_to_charge(self, invoice: Invoice, intent: Node) -> bool:
        """Stripe counts a renewal that no payment method is there for as an attempt that failed,
        though it charged nothing and gives no reason."""
        is_untried = (
            invoice.status == "open" and invoice.attempted and not invoice.failure
            and invoice.collection_method != BY_INVOICE
            and invoice.payment_status == "requires_payment_method"
            and not PaymentIntent.read(intent).charge_id
        )  # fmt: skip
        try:
            return is_untried and not self.method_to_charge(invoice)
        except (MissingPermissionError, ObjectMissingError):
            return False  # then nobody can say

    def bare_invoice(self, invoice_id: str) -> Invoice:
        """The invoice now, in one request: nothing of its payments. Raises ObjectMissingError."""
        with errors_named():
            return Invoice.read(self._client.v1.invoices.retrieve(invoice_id).to_dict())

    @staticmethod
    def _newest_intent(payments: Node) -> str:
        newest = sorted(items(payments), key=lambda payment: payment.get("created") or 0)
        intents = [id_of(node(payment, "payment").get("payment_intent")) for payment in newest]
        return intents[-1] if intents else ""

    def open_invoices(self, customer_id: str = "") -> list[Invoice]:
        """Invoices whose automatic charge failed and that are still open, oldest first."""
        filters: dict[str, Any] = {"status": "open", "limit": PAGE}
        if customer_id:
            filters["customer"] = customer_id
        with errors_named():
            listed = self._client.v1.invoices.list(filters)  # type: ignore[arg-type]
            found = [Invoice.read(invoice.to_dict()) for invoice in listed.auto_paging_iter()]
        due = [
            invoice
            for invoice in found
            if invoice.attempted and invoice.collection_method != BY_INVOICE
        ]
        return due[::-1]

    def stop_retries(self, invoice_id: str) -> Invoice:
        """End Stripe's own retries of an invoice; `next_payment_attempt_at` of what comes back is
        None if they are off. Raises ObjectMissingError, RefusedError.

        Source: docs.stripe.com/api/invoices/update#update_invoice-auto_advance
        """
        with errors_named():
            updated = self._client.v1.invoices.update(
                invoice_id, {"auto_advance": False}, {"idempotency_key": _once("stop", invoice_id)}
            ).to_dict()
        return Invoice.read(updated)

    def mark_uncollectible(self, invoice_id: str) -> Invoice:
        """Write an open invoice off. Raises ObjectMissingError, RefusedError if it isn't open."""
        with errors_named():
            written_off = self._client.v1.invoices.mark_uncollectible(
                invoice_id, {}, {"idempotency_key": _once("uncollectible", invoice_id)}
            ).to_dict()
        return Invoice.read(written_off)


def _once(what: str, invoice_id: str) -> str:
    """A key for one request and its repetitions on the wire. A key that were the same another day
    would be answered with that day's invoice, whatever happened to it since."""
    return f"{what}:{invoice_id}:{secrets.token_hex(8)}"
