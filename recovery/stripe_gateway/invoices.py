"""Invoices: what they owe, and what is decided about them."""

import secrets
from dataclasses import replace
from typing import Any

from recovery.payment_levels import BY_INVOICE
from recovery.reading import NOTHING, Node, items, node
from recovery.stripe_errors import MissingPermissionError, ObjectMissingError
from recovery.stripe_gateway.customers import Customers
from recovery.stripe_gateway.payment_intents import PaymentIntents
from recovery.stripe_gateway.wire import PAGE, errors_named
from recovery.stripe_objects import NO_PAYMENT_METHOD, Customer, Invoice, PaymentIntent

# Four levels are as many as Stripe expands (docs.stripe.com/api/expanding_objects).
WHOLE = ["data.payment.payment_intent.latest_charge", "data.invoice.customer"]
_BARE: set[int] = set()  # keys that may not


class Invoices(PaymentIntents, Customers):
    def invoice(self, invoice_id: str) -> Invoice:
        """The invoice now, with its newest payment's failure. Raises ObjectMissingError."""
        return self.debt(invoice_id)[0]

    def debt(self, invoice_id: str) -> tuple[Invoice, Customer | None]:
        """The invoice now, with its newest payment's failure, and who owes it; None where that
        takes another question. Raises ObjectMissingError."""
        payment = self._newest_payment(invoice_id)
        came_along = node(payment.get("invoice"))
        invoice = dict(came_along) or self._read("invoices", invoice_id)
        intent = node(payment, "payment").get("payment_intent") or invoice.get("payment_intent")
        if isinstance(intent, str):
            intent = self._payment_intent(intent)
        if intent:
            invoice["payment_intent"] = intent
        found = Invoice.read(invoice)
        if intent and self._has_nothing_to_charge(found, node(intent)):
            found = replace(found, failure=NO_PAYMENT_METHOD)
        customer = node(came_along.get("customer"))
        return found, Customer.read(customer) if customer else None

    def _newest_payment(self, invoice_id: str) -> Node:
        """With all that belongs to it, which saves three questions; without a payment there is
        nothing that it could belong to. Restricted keys have been seen that may read each of
        these and yet not have them along: they aren't used that way twice."""
        listed = None
        if self._key not in _BARE:
            try:
                listed = self._read("invoice_payments", invoice=invoice_id, expand=WHOLE)
            except MissingPermissionError:
                _BARE.add(self._key)
        if listed is None:
            listed = self._read("invoice_payments", invoice=invoice_id)
        payments = sorted(items(listed), key=lambda payment: payment.get("created") or 0)
        return payments[-1] if payments else NOTHING

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
        return Invoice.read(self._read("invoices", invoice_id))

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
