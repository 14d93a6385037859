"""What can go wrong when Stripe is asked."""

from recovery.stripe_objects import Charged

ELSEWHERE = "the debt is at another Stripe account, or in another mode, than is connected"


class StripeError(Exception):
    """Stripe didn't do what was asked."""


class StripeUnavailableError(StripeError):
    """Stripe can't be asked now: no connection, too slow, overloaded. Try again later."""


class NotConnectedError(StripeError):
    """The merchant has no key, or it was revoked: nobody can ask Stripe for it."""


class NoStripeError(NotConnectedError):
    """The merchant never connected the Stripe where the debt is, or connects another one by now:
    there is nobody to ask, and events are all there is. What is NotConnectedError and not this
    may be mended, by a better key say."""


class MissingPermissionError(StripeError):
    """The key lacks a permission; `permission` names it, and `account` whose key it is, "" where
    Stripe doesn't say."""

    def __init__(self, permission: str, *, account: str = "") -> None:
        super().__init__(f"The Stripe key lacks the permission {permission or '(not named)'}.")
        self.permission, self.account = permission, account


class ObjectMissingError(StripeError):
    """Stripe knows no such object in this account and mode."""


class CustomerDeletedError(ObjectMissingError):
    """Who owes was deleted in Stripe: what is owed stays, but there is nobody to change a card."""

    def __init__(self) -> None:
        super().__init__("The customer was deleted in Stripe.")


class RefusedError(StripeError):
    """Stripe understood the request and refused it; the text is Stripe's."""


class PortalUnconfiguredError(StripeError):
    """The portal configuration that was named is gone or inactive, or none is saved at all."""


class DeclinedError(RefusedError):
    """Any 402; `charged` tells what became of the charge, if the request was to make one."""

    def __init__(self, message: str, charged: Charged) -> None:
        super().__init__(message)
        self.charged = charged


class TooManyEndpointsError(StripeError):
    """Stripe allows 16 webhook endpoints per account and mode, and they are used up."""
