"""A customer pays a one-time payment at Stripe's Checkout: the way there, and back."""

import enum
import logging
from datetime import datetime

from billing_portal import links, obstacles, setting_out
from billing_portal.models import PaymentUpdateLink
from billing_portal.obstacles import NoWayError, Shown, Wanted
from recovery import attempts, checkouts, settling, superseding
from recovery.models import RecoveryCase
from recovery.state_machine import Status
from recovery.stripe_errors import StripeError, StripeUnavailableError

logger = logging.getLogger(__name__)


class Standing(enum.StrEnum):
    """How a one-time payment stands; the values are pages of page_words.py."""

    PAID = "paid"
    VOIDED = "voided"
    PENDING = "checkout_pending"
    UNPAID = "checkout_unpaid"
    UNAVAILABLE = "checkout_unavailable"


SETTLED = {Status.RECOVERED: Standing.PAID, Status.VOIDED: Standing.VOIDED}


def begin(link: PaymentUpdateLink, *, now: datetime, language: str = "") -> str:
    """The address of a Checkout page or, where the merchant's key allows none, of the portal.

    Raises NotPayableError, OvertakenError, NoWayError, StripeUnavailableError.
    """
    case = link.case
    back = links.return_url(link, now=now, language=language, path=links.CHECKOUT_RETURN_PATH)
    try:
        url = superseding.open_checkout(case=case, return_url=back, locale=language, now=now)
    except StripeUnavailableError:
        raise
    except StripeError as error:
        logger.warning("No Checkout for merchant %s: %s", case.merchant.public_id, error)
        shown = Shown.PORTAL if _may_use_portal(case) else Shown.NO_CHECKOUT
        obstacles.tell(link, error, wanted=Wanted.CHECKOUT, shown=shown, now=now)
        if shown is Shown.PORTAL:
            return setting_out.begin(link, now=now, language=language)
        raise NoWayError(shown) from error
    links.left_to_pay(link, where=Wanted.CHECKOUT, now=now)
    return url


def _may_use_portal(case: RecoveryCase) -> bool:
    """A new card would be charged for the payment that failed, unless that was given up."""
    is_customer = case.customer is not None and bool(case.customer.stripe_customer_id)
    return is_customer and not checkouts.is_given_up(case)


def may_be_paid(case: RecoveryCase) -> bool:
    """Whether the customer has been at Checkout: then nobody but Stripe knows what happened."""
    return checkouts.to_ask_about(case) is not None


def come_back(link: PaymentUpdateLink, *, now: datetime) -> Standing:
    """What Stripe says of the payment now; told again as often as the page is fetched."""
    case, is_told = link.case, True
    try:
        settling.settle(case=case, now=now)
    except StripeError:
        is_told = False
    standing = _standing(case, is_told=is_told)
    if standing in {Standing.PAID, Standing.PENDING} and link.finished_at is None:
        links.finished(link, now=now)
    return standing


def _standing(case: RecoveryCase, *, is_told: bool) -> Standing:
    case.refresh_from_db(fields=["status"])
    if settled := SETTLED.get(Status(case.status)):
        return settled
    if attempts.is_under_way(case):
        return Standing.PENDING
    return Standing.UNPAID if is_told else Standing.UNAVAILABLE
