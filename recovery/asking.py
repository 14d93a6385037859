"""Stripe is asked what a payload leaves out; where it can't be, the payload must do for now."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from recovery import stripe_gateway
from recovery.models import Merchant
from recovery.stripe_errors import NotConnectedError, ObjectMissingError, StripeError
from recovery.stripe_gateway import StripeGateway

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")
AT_ONCE = 8  # questions that wait for Stripe's answer


class OfMerchant(Protocol):
    @property
    def merchant(self) -> Merchant: ...


About = TypeVar("About", bound=OfMerchant)


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


def at_once(
    some: Sequence[About],
    question: Callable[[About], Answer],
    *,
    is_silence: Callable[[Answer], bool],
) -> list[Answer]:
    """The answer about each, several asked for at the same time, in threads that may not ask the
    database.

    Once a merchant has none nothing else is asked for it: a Stripe that is silent takes most of a
    minute for each question.
    """
    silent: dict[Merchant, Answer] = {}

    def ask_about(one: About) -> Answer:
        if one.merchant in silent:
            return silent[one.merchant]
        answer = question(one)
        if is_silence(answer):
            silent[one.merchant] = answer
        return answer

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(ask_about, some))
