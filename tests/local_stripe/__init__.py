"""A local Stripe: enough of Stripe's API to try and to test Recover without Stripe."""

from .exchange import Exchange
from .local import LocalStripe

__all__ = ["Exchange", "LocalStripe"]
