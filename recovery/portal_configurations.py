"""Which of Stripe's portal configurations a merchant's customers see: one of ours, kept."""

from recovery import stripe_gateway
from recovery.models import Merchant, StripeConnection


def ensure(merchant: Merchant, *, instead_of: str = "") -> str:
    """The merchant's configuration; found or made at Stripe where there is none but `instead_of`,
    which is of no use any more. Who asks at the same moment gets the same one. Raises StripeError.
    """
    known = _known(merchant)
    if known and known != instead_of:
        return known
    found = stripe_gateway.of(merchant).ensure_portal_configuration()
    connections = StripeConnection.objects.of(merchant)
    connections.filter(portal_configuration_id=known).update(portal_configuration_id=found)
    return _known(merchant)


def _known(merchant: Merchant) -> str:
    merchant.stripe.refresh_from_db(fields=["portal_configuration_id"])
    return merchant.stripe.portal_configuration_id
