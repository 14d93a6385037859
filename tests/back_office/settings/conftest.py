"""A local Stripe to connect to."""

from tests.connected import local_stripe

__all__ = ["local_stripe"]
