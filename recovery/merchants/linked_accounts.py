"""A merchant's Stripe account linked to the platform's by Connect, with no key of its own.

Source: docs.stripe.com/connect/oauth-reference.
"""

import logging
from contextlib import ExitStack
from datetime import datetime

from django.conf import settings

from recovery import imports
from recovery.merchants.connections import (
    ConnectError,
    check_is_free,
    keep,
    tell_what_is_elsewhere,
)
from recovery.models import Merchant, StripeConnection
from recovery.stripe_errors import RefusedError, StripeError
from recovery.stripe_gateway import API_VERSION, LinkedAccount, Platform, StripeGateway

logger = logging.getLogger(__name__)


def can_link() -> bool:
    """Whether the platform takes accounts by Connect at all."""
    return bool(settings.STRIPE_CONNECT_CLIENT_ID and settings.STRIPE_API_KEY)


def link_address(*, state: str, back: str) -> str:
    """Where at Stripe an owner says yes. Stripe sends them to `back`, which it has to know, with
    `state` and a code that `link` takes."""
    return Platform().address(state=state, back=back)


def link(*, merchant: Merchant, code: str, now: datetime) -> None:
    """Link the account whose owner said yes, and open cases for what has failed already. Raises
    ConnectError, and then the merchant is not connected, and an access that nobody uses is given
    back."""
    if merchant.stripe.is_connected:
        raise ConnectError("Stripe is connected already. Disconnect it first.")
    try:
        account = Platform().take(code)
        with ExitStack() as undo:
            undo.callback(_give_back, account)
            check_is_free(merchant, account=account.id, livemode=account.livemode)
            _connect(merchant, account, now=now)
            undo.pop_all()
    except RefusedError as error:
        raise ConnectError(f"{error} Start again with “Connect with Stripe”.") from error
    except StripeError as error:
        raise ConnectError(str(error)) from error


def _give_back(account: LinkedAccount) -> None:
    connections = StripeConnection.objects.filter(account_id=account.id, disconnected_at=None)
    if any(not connection.api_key for connection in connections):
        return  # it is how another merchant, or the other mode, is connected
    try:
        Platform().let_go(account.id)
    except StripeError as error:
        logger.warning("The access to Stripe account %s is of no use: %s", account.id, error)


def _connect(merchant: Merchant, account: LinkedAccount, *, now: datetime) -> None:
    gateway = StripeGateway(api_key=settings.STRIPE_API_KEY, account=account.id)
    with ExitStack() as undo:
        undo.callback(StripeConnection.objects.get(merchant=merchant).save)
        connection = merchant.stripe
        connection.api_key = connection.endpoint_id = ""
        connection.is_of(account.id, now=now)
        connection.livemode = account.livemode
        connection.portal_configuration_id = gateway.ensure_portal_configuration()
        connection.api_version, connection.connected_at = API_VERSION, now
        connection.disconnected_at = None
        keep(connection)
        imports.failed_invoices(merchant, gateway, now=now)
        undo.pop_all()
    tell_what_is_elsewhere(merchant, now=now)
