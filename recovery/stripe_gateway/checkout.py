"""The page at Stripe where a one-time payment is paid, and the end of what it supersedes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recovery.checkout_sessions import NAMES_CASE, NAMES_CHECKOUT, CheckoutSession
from recovery.reading import id_of, items
from recovery.stripe_errors import RefusedError
from recovery.stripe_gateway.wire import Door, errors_named


@dataclass(frozen=True, slots=True)
class Purchase:
    """What is to be paid, in minor units of `currency`, and by whom: a customer of Stripe's, or a
    guest of whom an address may be known."""

    amount: int
    currency: str
    description: str
    customer_id: str
    email: str
    case_id: str
    checkout_id: str

    @property
    def metadata(self) -> dict[str, str]:
        return {NAMES_CASE: self.case_id, NAMES_CHECKOUT: self.checkout_id}

    @property
    def payer(self) -> dict[str, str]:
        if self.customer_id:
            return {"customer": self.customer_id}
        return {"customer_email": self.email} if self.email else {}


class Checkout(Door):
    def create_checkout(
        self, purchase: Purchase, *, return_url: str, locale: str, expires_at: datetime
    ) -> CheckoutSession:
        """A new session; `expires_at` is at least 30 minutes ahead by Stripe's clock. Without a
        `locale` Stripe takes the browser's. Raises ObjectMissingError for a deleted customer,
        RefusedError."""
        price: Any = {
            "currency": purchase.currency,
            "unit_amount": purchase.amount,
            "product_data": {"name": purchase.description},
        }
        wanted: Any = {
            "mode": "payment",
            "line_items": [{"price_data": price, "quantity": 1}],
            "payment_intent_data": {
                "description": purchase.description,
                "metadata": purchase.metadata,
            },
            "metadata": purchase.metadata,
            "success_url": return_url,
            "cancel_url": return_url,
            "expires_at": int(expires_at.timestamp()),
            **purchase.payer,
            **({"locale": locale} if locale else {}),
        }
        with errors_named():
            made = self._client.v1.checkout.sessions.create(wanted).to_dict()
        return CheckoutSession.read(made)

    def checkout_session(self, session_id: str) -> CheckoutSession:
        """Raises ObjectMissingError."""
        with errors_named():
            found = self._client.v1.checkout.sessions.retrieve(session_id).to_dict()
        return CheckoutSession.read(found)

    def expire_checkout(self, session_id: str) -> None:
        """From now on nobody can pay there; a payment that was tried there is canceled. Raises
        ObjectMissingError, and RefusedError if the session isn't open."""
        with errors_named():
            self._client.v1.checkout.sessions.expire(session_id)

    def cancel_payment(self, intent_id: str) -> None:
        """From now on the payment can't succeed. Raises ObjectMissingError, and RefusedError if it
        has succeeded, is under way or was canceled already.

        A PaymentIntent of the merchant's own Checkout ends with its session alone
        (docs.stripe.com/api/payment_intents/cancel).
        """
        try:
            with errors_named():
                self._client.v1.payment_intents.cancel(intent_id)
        except RefusedError:
            session = self._session_of(intent_id)
            if session is None or session.status != "open":
                raise
            self.expire_checkout(session.id)

    def _session_of(self, intent_id: str) -> CheckoutSession | None:
        with errors_named():
            found = self._client.v1.checkout.sessions.list({"payment_intent": intent_id})
            listed = items(found.to_dict())
        return next((CheckoutSession.read(one) for one in listed if id_of(one)), None)
