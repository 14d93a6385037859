"""Stripe's test cards, by number and by token, and what each does.

Source: docs.stripe.com/testing. Beyond those, `pm_card_declines_<code>` and the card outcomes
below attach and then decline with any code there is: a renewal can only fail that way.
"""

from dataclasses import dataclass, replace

from .declines import Decline


@dataclass(frozen=True)
class Outcome:
    """What happens when a card is charged."""

    decline: Decline | None = None
    # When the bank asks the cardholder: never, until_set_up for later use, off_session (in truth
    # always, but Billing declines it at once where they are absent), or every_time.
    authenticates: str = "never"
    dispute_reason: str | None = None


@dataclass(frozen=True)
class Card:
    """A card as Stripe describes it, and how it behaves."""

    number: str
    brand: str = "visa"
    outcome: Outcome = Outcome()
    # A card that is already refused when it is saved.
    refused_when_saved: Decline | None = None
    funding: str = "credit"
    exp_month: int = 12
    exp_year: int = 2034
    country: str = "US"

    @property
    def last4(self) -> str:
        return self.number[-4:]


APPROVED = Outcome()
EVERY_TIME = Outcome(authenticates="every_time")
UNTIL_SET_UP = Outcome(authenticates="until_set_up")
OFF_SESSION = Outcome(authenticates="off_session")


def declines(reason: str) -> Outcome:
    return Outcome(decline=Decline(reason))


def _refused(number: str, reason: str, *, is_blocked_by_radar: bool = False) -> Card:
    decline = Decline(reason, is_blocked_by_radar=is_blocked_by_radar)
    return Card(number, outcome=Outcome(decline=decline), refused_when_saved=decline)


CHARGE_FAILS = Card("4000000000000341", outcome=declines("generic_decline"))
VISA = Card("4242424242424242")

_BY_TOKEN = {
    "pm_card_visa": VISA,
    "pm_card_us": VISA,
    "pm_card_visa_debit": Card("4000056655665556", funding="debit"),
    "pm_card_mastercard": Card("5555555555554444", "mastercard"),
    "pm_card_in": Card("4000003560000008", country="IN"),
    "pm_card_amex": Card("378282246310005", "amex"),
    "pm_card_discover": Card("6011111111111117", "discover"),
    "pm_card_chargeCustomerFail": CHARGE_FAILS,
    "pm_card_chargeDeclined": _refused("4000000000000002", "generic_decline"),
    "pm_card_visa_chargeDeclined": _refused("4000000000000002", "generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": _refused("4000000000009995", "insufficient_funds"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": _refused(
        "4000000000009995", "insufficient_funds"
    ),
    "pm_card_chargeDeclinedLostCard": _refused("4000000000009987", "lost_card"),
    "pm_card_visa_chargeDeclinedLostCard": _refused("4000000000009987", "lost_card"),
    "pm_card_chargeDeclinedStolenCard": _refused("4000000000009979", "stolen_card"),
    "pm_card_visa_chargeDeclinedStolenCard": _refused("4000000000009979", "stolen_card"),
    "pm_card_chargeDeclinedExpiredCard": _refused("4000000000000069", "expired_card"),
    "pm_card_chargeDeclinedIncorrectCvc": _refused("4000000000000127", "incorrect_cvc"),
    "pm_card_chargeDeclinedProcessingError": _refused("4000000000000119", "processing_error"),
    "pm_card_chargeDeclinedFraudulent": _refused(
        "4100000000000019", "fraudulent", is_blocked_by_radar=True
    ),
    "pm_card_radarBlock": _refused(
        "4100000000000019", "highest_risk_level", is_blocked_by_radar=True
    ),
    "pm_card_visa_chargeDeclinedVelocityLimitExceeded": _refused(
        "4000000000006975", "card_velocity_exceeded"
    ),
    "pm_card_authenticationRequired": Card("4000002760003184", outcome=OFF_SESSION),
    "pm_card_authenticationRequiredOnSetup": Card("4000002500003155", outcome=UNTIL_SET_UP),
    "pm_card_threeDSecure2Required": Card("4000000000003220", outcome=EVERY_TIME),
    "pm_card_threeDSecureRequired": Card("4000000000003220", outcome=EVERY_TIME),
    "pm_card_createDispute": Card(
        "4000000000000259", outcome=Outcome(dispute_reason="fraudulent")
    ),
    "pm_card_createDisputeProductNotReceived": Card(
        "4000000000002685", outcome=Outcome(dispute_reason="product_not_received")
    ),
    "pm_card_createDisputeInquiry": Card(
        "4000000000001976", outcome=Outcome(dispute_reason="inquiry")
    ),
}

_BY_NUMBER = {card.number: card for card in _BY_TOKEN.values()}


def by_token(token: str) -> Card | None:
    """The card behind `pm_card_visa` and its like, or a card that declines with any code."""
    if token.startswith("tok_"):
        token = "pm_card_" + token.removeprefix("tok_")
    if token.startswith("pm_card_declines_"):
        reason = token.removeprefix("pm_card_declines_")
        return replace(CHARGE_FAILS, outcome=declines(reason))
    return _BY_TOKEN.get(token)


def by_number(number: str) -> Card | None:
    """The card with that number; None for a number that no test card has."""
    return _BY_NUMBER.get("".join(digit for digit in number if digit.isdecimal()))
