"""The one door to Stripe: the pinned version, one HTTP pool, short times, few named errors."""

import stripe
from django.conf import settings

from recovery.models import Merchant, RecoveryCase
from recovery.stripe_errors import ELSEWHERE, NoStripeError, NotConnectedError
from recovery.stripe_gateway.checkout import Checkout, Purchase
from recovery.stripe_gateway.connecting import Connecting, Endpoint
from recovery.stripe_gateway.customers import Customers
from recovery.stripe_gateway.events import EventPage, Events
from recovery.stripe_gateway.invoices import Invoices
from recovery.stripe_gateway.platform import LinkedAccount, Platform
from recovery.stripe_gateway.portal import Portal
from recovery.stripe_gateway.wire import API_VERSION, http

__all__ = [
    "API_VERSION",
    "NETWORK_RETRIES",
    "Endpoint",
    "EventPage",
    "LinkedAccount",
    "Platform",
    "Purchase",
    "StripeGateway",
    "http",
    "of",
]

NETWORK_RETRIES = 2


class StripeGateway(Invoices, Customers, Portal, Checkout, Connecting, Events):
    """One merchant's Stripe. Every method raises StripeUnavailableError, NotConnectedError or
    MissingPermissionError; what else one raises, it says."""

    def __init__(self, *, api_key: str, account: str = "") -> None:
        self._key = hash((api_key, account))
        self._client = stripe.StripeClient(
            api_key,
            stripe_version=API_VERSION,
            stripe_account=account or None,
            http_client=http(),
            max_network_retries=NETWORK_RETRIES,
            base_addresses={"api": settings.STRIPE_API_BASE} if settings.STRIPE_API_BASE else {},
        )


def of_debt(case: RecoveryCase) -> StripeGateway:
    """The gateway to where the debt is. Raises as `of`, and NoStripeError where that isn't
    connected any more."""
    if case.is_elsewhere:
        raise NoStripeError(ELSEWHERE)
    return of(case.merchant)


def of(merchant: Merchant) -> StripeGateway:
    """The merchant's gateway: by its own key, else by the platform's for its Connect account.

    Raises NoStripeError where there is neither, NotConnectedError after a disconnect.
    """
    connection = merchant.stripe
    if connection.disconnected_at:
        raise NotConnectedError("The merchant's Stripe account was disconnected.")
    if connection.api_key:
        return StripeGateway(api_key=connection.api_key)
    if connection.account_id and settings.STRIPE_API_KEY:
        return StripeGateway(api_key=settings.STRIPE_API_KEY, account=connection.account_id)
    raise NoStripeError("The merchant has no Stripe key.")
