"""The platform's own Stripe: how merchants' accounts are linked to it and let go (OAuth)."""

from dataclasses import dataclass

import stripe
from django.conf import settings

from recovery.stripe_gateway.wire import API_VERSION, errors_named, http


@dataclass(frozen=True, slots=True)
class LinkedAccount:
    id: str
    livemode: bool


class Platform:
    """Every method but `address` raises StripeUnavailableError or RefusedError.

    A code is good once, so nothing is asked a second time by itself.
    """

    def __init__(self) -> None:
        bases = {"api": settings.STRIPE_API_BASE, "connect": settings.STRIPE_CONNECT_BASE}
        self._client = stripe.StripeClient(
            settings.STRIPE_API_KEY,
            client_id=settings.STRIPE_CONNECT_CLIENT_ID,
            stripe_version=API_VERSION,
            http_client=http(),
            max_network_retries=0,
            base_addresses={name: base for name, base in bases.items() if base},  # type: ignore[arg-type]
        )

    def address(self, *, state: str, back: str) -> str:
        """Where an account's owner is asked; `back` is one of the platform's redirect URIs."""
        return self._client.oauth.authorize_url(
            {"scope": "read_write", "state": state, "redirect_uri": back}
        )

    def take(self, code: str) -> LinkedAccount:
        """The account whose owner said yes. The tokens that Stripe tells of it are not kept: the
        platform's key and the account's id do as much."""
        with errors_named():
            told = self._client.oauth.token({"grant_type": "authorization_code", "code": code})
        return LinkedAccount(id=str(told.stripe_user_id), livemode=bool(told.livemode))

    def let_go(self, account: str) -> None:
        with errors_named():
            self._client.oauth.deauthorize({"stripe_user_id": account})
