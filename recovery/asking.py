"""Stripe is asked what a payload leaves out; where it can't be, the payload must do for now."""

import logging
from collections.abc import Callable
from typing import TypeVar

from recovery import stripe_gateway
from recovery.models import Merchant
from recovery.stripe_errors import NotConnectedError, ObjectMissingError, StripeError
from recovery.stripe_gateway import StripeGateway

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")


def ask(merchant: Merchant, question: Callable[[StripeGateway], Answer]) -> Answer | None:
    """Stripe's answer, or None where it can't be asked: the payload must do for now."""
    try:
        return question(stripe_gateway.of(merchant))
    except (ObjectMissingError, NotConnectedError):
        return None
    except StripeError as error:
        logger.info("Stripe could not be asked for merchant %s: %s", merchant.public_id, error)
        return None


def can_be_asked(merchant: Merchant) -> bool:
    try:
        stripe_gateway.of(merchant)
    except StripeError:
        return False
    return True
