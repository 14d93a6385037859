"""The webhook endpoint that Stripe tells of a merchant's payments: made, mended, taken away."""

import enum
import logging
import secrets
from contextlib import ExitStack

from django.conf import settings

from recovery.models import Merchant, SigningSecret, StripeConnection
from recovery.stripe_errors import ObjectMissingError, StripeError
from recovery.stripe_events import EventType
from recovery.stripe_gateway import API_VERSION, Endpoint, StripeGateway

logger = logging.getLogger(__name__)

WEBHOOK_PATH = "/fourthngoal/recover/webhook"
ONLY_FOR_CONNECT = {EventType.ACCOUNT_APPLICATION_DEAUTHORIZED}
EVENTS = [event.value for event in EventType if event not in ONLY_FOR_CONNECT]


class Mended(enum.StrEnum):
    """What had to be done at Stripe."""

    NOTHING = "fine"
    ENABLED = "enabled"
    CORRECTED = "corrected"
    MADE_ANEW = "made_anew"


def webhook_url(merchant: Merchant) -> str:
    return f"{settings.PUBLIC_URL}{WEBHOOK_PATH}?m={merchant.public_id}"


def ensure(merchant: Merchant, gateway: StripeGateway, undo: ExitStack) -> tuple[str, str]:
    """Id and secret of our own endpoint, reused if we still know its secret; Stripe tells a
    secret just once, so one whose secret we lost is replaced."""
    url = webhook_url(merchant)
    known = {row.endpoint_id: row for row in SigningSecret.objects.of(merchant)}
    stale = []
    for endpoint in gateway.endpoints():
        if endpoint.url != url:
            continue
        if endpoint.id in known and endpoint.api_version == API_VERSION:
            gateway.update_endpoint(endpoint.id, url=url, events=EVENTS)
            return endpoint.id, str(known[endpoint.id].secret)
        stale.append(endpoint.id)
    for endpoint_id in stale:
        gateway.delete_endpoint(endpoint_id)
    return make(merchant, gateway, undo)


def make(merchant: Merchant, gateway: StripeGateway, undo: ExitStack) -> tuple[str, str]:
    """Id and secret of a new endpoint, which is gone again if `undo` is called."""
    made = gateway.create_endpoint(
        url=webhook_url(merchant), events=EVENTS, merchant=merchant.public_id,
        key=f"endpoint:{merchant.public_id}:{secrets.token_hex(8)}",
    )  # fmt: skip
    undo.callback(remove, merchant, gateway, made.id)
    SigningSecret.objects.create(merchant=merchant, secret=made.secret, endpoint_id=made.id)
    return made.id, made.secret


def remove(merchant: Merchant, gateway: StripeGateway, endpoint_id: str) -> bool:
    """Whether Stripe has deleted it as well."""
    SigningSecret.objects.of(merchant).filter(endpoint_id=endpoint_id).delete()
    try:
        gateway.delete_endpoint(endpoint_id)
    except ObjectMissingError:
        return True
    except StripeError as error:
        logger.warning("Endpoint %s is of no use; delete it in Stripe: %s", endpoint_id, error)
        return False
    return True


def mend(merchant: Merchant, gateway: StripeGateway) -> Mended:
    """Have the endpoint that connecting made as it was then: there, enabled, at our address and
    told of all that Recover handles. Raises StripeError where that can't be done."""
    endpoint_id = merchant.stripe.endpoint_id
    ours = next((one for one in gateway.endpoints() if one.id == endpoint_id), None)
    if ours is None:
        return _make_anew(merchant, gateway)
    url, is_right = webhook_url(merchant), _is_right(merchant, ours)
    if ours.is_enabled and is_right:
        return Mended.NOTHING
    gateway.update_endpoint(ours.id, url=url, events=EVENTS)
    return Mended.CORRECTED if ours.is_enabled else Mended.ENABLED


def _is_right(merchant: Merchant, endpoint: Endpoint) -> bool:
    hears_all = "*" in endpoint.events or endpoint.events.issuperset(EVENTS)
    return hears_all and endpoint.url == webhook_url(merchant)


def _make_anew(merchant: Merchant, gateway: StripeGateway) -> Mended:
    """Unless somebody connects, disconnects or replaces the secret meanwhile: theirs counts."""
    lost = merchant.stripe.endpoint_id
    with ExitStack() as undo:
        endpoint_id, _secret = make(merchant, gateway, undo)
        unchanged = StripeConnection.objects.of(merchant).filter(
            endpoint_id=lost, disconnected_at=None
        )
        if not unchanged.update(endpoint_id=endpoint_id):
            return Mended.NOTHING
        undo.pop_all()
    merchant.stripe.endpoint_id = endpoint_id
    SigningSecret.objects.of(merchant).filter(endpoint_id=lost).delete()
    return Mended.MADE_ANEW
