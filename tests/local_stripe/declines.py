"""Why a card may be declined, and what Stripe says then."""

from dataclasses import dataclass

from .shapes import Object

# Stripe keeps these on its schedule but charges nothing before there is a new payment method.
# Source: docs.stripe.com/billing/revenue-recovery/smart-retries, "hard declines".
NOT_RETRIED = frozenset(
    {
        "authentication_required",
        "highest_risk_level",
        "incorrect_number",
        "lost_card",
        "pickup_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "stolen_card",
        "transaction_not_allowed",
    }
)

# These arrive as the error's `code` and without a decline code (recorded from Stripe).
CODES_OF_THEIR_OWN = {
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "incorrect_number": "Your card number is incorrect.",
    "processing_error": (
        "An error occurred while processing your card. Try again in a little bit."
    ),
}

_MESSAGES = {
    "insufficient_funds": "Your card has insufficient funds.",
    "authentication_required": (
        "Your card was declined. This transaction requires authentication."
    ),
    "card_not_supported": "Your card is not supported.",
    "currency_not_supported": "Your card does not support this currency.",
    "card_velocity_exceeded": (
        "Your card was declined for making repeated attempts too frequently or exceeding its "
        "amount limit."
    ),
    "withdrawal_count_limit_exceeded": (
        "Your card was declined for exceeding the balance or credit limit available."
    ),
}

_ADVICE = {
    "insufficient_funds": "try_again_later",
    "do_not_honor": "try_again_later",
    "generic_decline": "try_again_later",
    "processing_error": "try_again_later",
    "issuer_not_available": "try_again_later",
    "try_again_later": "try_again_later",
    "expired_card": "confirm_card_data",
    "incorrect_cvc": "confirm_card_data",
    "incorrect_number": "confirm_card_data",
    "lost_card": "do_not_try_again",
    "pickup_card": "do_not_try_again",
    "stolen_card": "do_not_try_again",
    "revocation_of_authorization": "do_not_try_again",
    "revocation_of_all_authorizations": "do_not_try_again",
}


@dataclass(frozen=True)
class Decline:
    """One refusal. `reason` is a decline code, or one of CODES_OF_THEIR_OWN."""

    reason: str
    advice_code: str | None = None
    network_decline_code: str | None = None
    network_advice_code: str | None = None
    is_blocked_by_radar: bool = False

    @property
    def code(self) -> str:
        if self.reason in CODES_OF_THEIR_OWN:
            return self.reason
        needs_authentication = self.reason == "authentication_required"
        return "authentication_required" if needs_authentication else "card_declined"

    @property
    def decline_code(self) -> str | None:
        return None if self.reason in CODES_OF_THEIR_OWN else self.reason

    @property
    def message(self) -> str:
        known = CODES_OF_THEIR_OWN | _MESSAGES
        return known.get(self.reason, "Your card was declined.")

    def advice(self) -> Object:
        """The issuer's hints; keys that do not apply are absent, as at Stripe."""
        hints = {
            "advice_code": self.advice_code or _ADVICE.get(self.reason),
            "network_decline_code": self.network_decline_code,
            "network_advice_code": self.network_advice_code,
        }
        return {name: value for name, value in hints.items() if value is not None}

    def error(self) -> Object:
        """The fields that describe it in `last_payment_error` and in a 402."""
        fields: Object = {"code": self.code, "message": self.message}
        if self.decline_code is not None:
            fields["decline_code"] = self.decline_code
        fields["doc_url"] = "https://stripe.com/docs/error-codes/" + self.code.replace("_", "-")
        return {**fields, **self.advice()}

    def outcome(self) -> Object:
        """A charge's `outcome`."""
        hints = {"advice_code": None, "network_advice_code": None, "network_decline_code": None}
        return {
            **hints,
            **self.advice(),
            "network_status": (
                "not_sent_to_network" if self.is_blocked_by_radar else "declined_by_network"
            ),
            "reason": self.reason,
            "risk_level": "highest" if self.is_blocked_by_radar else "normal",
            "risk_score": 92 if self.is_blocked_by_radar else 12,
            "seller_message": (
                "Stripe blocked this payment as too risky."
                if self.is_blocked_by_radar
                else f"The bank returned the decline code `{self.reason}`."
            ),
            "type": "blocked" if self.is_blocked_by_radar else "issuer_declined",
        }
