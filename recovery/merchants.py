"""How a merchant comes to be, and how its Stripe is connected."""

import secrets
import zoneinfo
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from recovery import cases, credentials, declines, ingest
from recovery.declines import DeclineType
from recovery.models import (
    DeclineOverride,
    Merchant,
    RecoveryCase,
    SigningSecret,
    StripeConnection,
)
from recovery.state_machine import Status
from recovery.stripe_errors import StripeError
from recovery.stripe_events import EventType
from recovery.stripe_gateway import (
    API_VERSION,
    StripeGateway,
)

WEBHOOK_PATH = "/fourthngoal/recover/webhook"
ONLY_FOR_CONNECT = {EventType.ACCOUNT_APPLICATION_DEAUTHORIZED}
KEY_PREFIXES = ("rk_live_", "sk_live_", "rk_test_", "sk_test_")


class ConnectError(Exception):
    """The merchant's Stripe can't be connected; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a new merchant needs, shown once."""

    merchant_id: str
    webhook_url: str
    webhook_secret: str
    internal_key: str
    api_key: str


def webhook_url(merchant: Merchant) -> str:
    return f"{settings.PUBLIC_URL}{WEBHOOK_PATH}?m={merchant.public_id}"


@transaction.atomic
def create(
    *,
    name: str,
    product_name: str,
    currency: str,
    time_zone: str,
    monthly_price: int | None,
    webhook_secret: str,
    now: datetime,
) -> tuple[Merchant, Credentials]:
    """A merchant with its keys. `monthly_price` is in minor units. Raises ValidationError."""
    if time_zone not in zoneinfo.available_timezones():
        raise ValidationError({"time_zone": f"There is no time zone {time_zone!r}."})
    name = name.strip()
    merchant = Merchant(
        name=name, product_name=product_name.strip() or name, currency=currency.lower(),
        time_zone=time_zone, monthly_price=monthly_price,
    )  # fmt: skip
    merchant.full_clean()
    merchant.save()
    StripeConnection.objects.create(merchant=merchant)
    secret = webhook_secret.strip() or f"whsec_{secrets.token_urlsafe(24)}"
    SigningSecret.objects.create(merchant=merchant, secret=secret)
    return merchant, Credentials(
        merchant_id=merchant.public_id,
        webhook_url=webhook_url(merchant),
        webhook_secret=secret,
        internal_key=credentials.new_internal_key(merchant=merchant),
        api_key=credentials.new_api_key(merchant=merchant, name="first", now=now),
    )


def override_decline(*, merchant: Merchant, decline_code: str, decline_type: DeclineType) -> None:
    """From now on the merchant counts a decline code as that type; open cases that show it do so
    at once. Raises ValidationError for a code that means the same for everybody (a ceiling)."""
    if declines.is_ceiling(decline_code) or ":" in decline_code or not decline_code:
        named = decline_code or "no code"
        raise ValidationError(
            {"decline_code": f"What {named} means is not the merchant's to say."}
        )
    DeclineOverride.objects.update_or_create(
        merchant=merchant, decline_code=decline_code, defaults={"decline_type": decline_type}
    )
    showing = RecoveryCase.objects.of(merchant).filter(
        status=Status.OPEN, decline_code=decline_code
    )
    for case in showing.iterator():
        cases.project_decline(case)


def connect(*, merchant: Merchant, api_key: str, now: datetime) -> str:
    """Connect a merchant's Stripe with a (restricted) key; returns the endpoint's signing secret.

    Probes what the key may do, makes sure of a portal configuration and of one webhook endpoint
    with the pinned version, and opens cases for what has failed already. Doing it again repairs
    what is missing. Raises ConnectError.
    """
    check_key(api_key)
    gateway = StripeGateway(api_key=api_key)
    try:
        _check_permissions(gateway)
        account = gateway.account()
        portal = gateway.ensure_portal_configuration()
        secret = _ensure_endpoint(merchant, gateway)
        connection = merchant.stripe
        connection.api_key = api_key
        connection.account_id = account
        connection.livemode = "_live_" in api_key
        connection.portal_configuration_id = portal
        connection.api_version = API_VERSION
        connection.connected_at = now
        connection.disconnected_at = None
        connection.save()
        _import_failed_invoices(merchant, gateway, now=now)
    except StripeError as error:
        raise ConnectError(str(error)) from error
    return secret


def check_key(api_key: str) -> None:
    """Raises ConnectError for what can't be a usable key, before Stripe is asked."""
    if not api_key.startswith(KEY_PREFIXES):
        raise ConnectError(
            "That is no secret Stripe key. Make a restricted key in Stripe's dashboard, under "
            "Developers → API keys; it begins with rk_live_ or rk_test_."
        )
    if "_live_" in api_key and not settings.PUBLIC_URL.startswith("https://"):
        raise ConnectError(
            f"Stripe delivers live events to https addresses only, and PUBLIC_URL is "
            f"{settings.PUBLIC_URL}. Set it to the https address that Stripe can reach."
        )


def _check_permissions(gateway: StripeGateway) -> None:
    missing = gateway.missing_permissions()
    if missing:
        raise ConnectError(
            "The key lacks permissions. In Stripe's dashboard, edit it and allow:\n"
            + "\n".join(f"  {name}" for name in missing)
        )


def _ensure_endpoint(merchant: Merchant, gateway: StripeGateway) -> str:
    """Reuse our own endpoint if we still know its secret; Stripe tells a secret just once, so
    one whose secret we lost is replaced."""
    events = [event.value for event in EventType if event not in ONLY_FOR_CONNECT]
    url = webhook_url(merchant)
    known = {row.endpoint_id: row for row in SigningSecret.objects.of(merchant)}
    stale = []
    for endpoint in gateway.endpoints():
        if endpoint.url != url:
            continue
        if endpoint.id in known and endpoint.api_version == API_VERSION:
            gateway.update_endpoint(endpoint.id, events=events)
            return str(known[endpoint.id].secret)
        stale.append(endpoint.id)
    for endpoint_id in stale:
        gateway.delete_endpoint(endpoint_id)
    made = gateway.create_endpoint(
        url=url, events=events, merchant=merchant.public_id,
        key=f"endpoint:{merchant.public_id}:{secrets.token_hex(8)}",
    )  # fmt: skip
    SigningSecret.objects.create(merchant=merchant, secret=made.secret, endpoint_id=made.id)
    merchant.stripe.endpoint_id = made.id
    return made.secret


def _import_failed_invoices(merchant: Merchant, gateway: StripeGateway, *, now: datetime) -> None:
    """What failed before Recover came is recovered too."""
    for invoice in gateway.open_invoices():
        ingest.invoice_failed(
            merchant=merchant, told=invoice, failed_at=invoice.created_at or now, now=now
        )
