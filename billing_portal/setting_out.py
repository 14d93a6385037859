"""A customer sets out for Stripe's portal to update the card."""

import logging
from datetime import datetime
from functools import partial

from billing_portal import links, obstacles
from billing_portal.models import PaymentUpdateLink
from billing_portal.obstacles import NoWayError, Shown, Wanted
from recovery import portal_configurations, stripe_gateway
from recovery.models import Customer
from recovery.stripe_errors import (
    CustomerDeletedError,
    ObjectMissingError,
    PortalUnconfiguredError,
    StripeError,
    StripeUnavailableError,
)
from recovery.stripe_gateway import StripeGateway

logger = logging.getLogger(__name__)


def begin(link: PaymentUpdateLink, *, now: datetime, language: str = "") -> str:
    """The address of a portal session, in the language that the customer chose if there is one.
    Raises NoWayError, StripeUnavailableError."""
    case = link.case
    shown = Shown.PAY_AT_STRIPE if case.hosted_invoice_url else Shown.NO_PORTAL
    customer = case.customer
    if customer is None or not customer.stripe_customer_id:
        raise NoWayError(shown)
    back, done = (
        links.return_url(link, now=now, language=language, is_done=is_done)
        for is_done in (False, True)
    )
    try:
        gateway = stripe_gateway.of_debt(case)
        payment_method_id = _pays_with(customer, gateway)
        url = _open(customer, gateway, return_url=back, done_url=done, locale=language)
    except StripeUnavailableError:
        raise
    except StripeError as error:  # it won't be otherwise in a minute: the merchant has to act
        logger.warning("No portal for merchant %s: %s", case.merchant.public_id, error)
        obstacles.tell(link, error, wanted=Wanted.PORTAL, shown=shown, now=now)
        raise NoWayError(shown) from error
    links.started(link, payment_method_before=payment_method_id, now=now)
    return url


def _pays_with(customer: Customer, gateway: StripeGateway) -> str:
    """The default payment method, "" if there is none. Raises CustomerDeletedError."""
    if customer.is_deleted:
        raise CustomerDeletedError
    try:
        found = gateway.customer(customer.stripe_customer_id)
    except ObjectMissingError:
        raise CustomerDeletedError from None
    if found.is_deleted:
        raise CustomerDeletedError
    return found.default_payment_method_id


def _open(
    customer: Customer, gateway: StripeGateway, *, return_url: str, done_url: str, locale: str
) -> str:
    """With a configuration of ours, made anew where the one that is known is of no use."""
    session = partial(
        gateway.portal_session, customer_id=customer.stripe_customer_id, return_url=return_url,
        done_url=done_url, locale=locale,
    )  # fmt: skip
    known = portal_configurations.ensure(customer.merchant)
    try:
        return session(configuration_id=known)
    except PortalUnconfiguredError:
        anew = portal_configurations.ensure(customer.merchant, instead_of=known)
        return session(configuration_id=anew)
