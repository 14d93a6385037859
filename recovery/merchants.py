"""How a merchant comes to be, and how its Stripe is connected."""

import logging
import re
import secrets
import zoneinfo
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from recovery import (
    cases,
    credentials,
    declines,
    failures,
    ingest,
    logos,
    permissions,
    stripe_gateway,
)
from recovery.declines import DeclineType
from recovery.models import (
    DeclineOverride,
    Merchant,
    RecoveryCase,
    SigningSecret,
    StripeConnection,
)
from recovery.money import decimals
from recovery.pictures import PictureError
from recovery.state_machine import Status
from recovery.stripe_errors import StripeError
from recovery.stripe_events import EventType
from recovery.stripe_gateway import (
    API_VERSION,
    StripeGateway,
)

logger = logging.getLogger(__name__)

WEBHOOK_PATH = "/fourthngoal/recover/webhook"
ONLY_FOR_CONNECT = {EventType.ACCOUNT_APPLICATION_DEAUTHORIZED}
LONGEST_SETTLING = 7 * 24 * 60  # minutes
SEND_WINDOW = ("send_from_hour", "send_until_hour", "send_weekdays")
DECLINE_CODE = re.compile(r"[a-z0-9_]{1,100}")  # as Stripe writes them
BRAND = ("product_name", "color", "support_email", "sender_email")
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


def default_price(currency: str) -> str:
    """What Recover costs a month where nobody says: 29.00 of a currency that has cents. In yen
    or dinars that would be another price altogether, so there it is none."""
    return "29.00" if decimals(currency) == 2 else "none"


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
    settling_minutes: int,
    now: datetime,
) -> tuple[Merchant, Credentials]:
    """A merchant with its keys. `monthly_price` is in minor units. Raises ValidationError."""
    if time_zone not in zoneinfo.available_timezones():
        raise ValidationError({"time_zone": f"There is no time zone {time_zone!r}."})
    if settling_minutes > LONGEST_SETTLING:
        raise ValidationError({"settling_minutes": f"At most {LONGEST_SETTLING}, a week."})
    name = name.strip()
    merchant = Merchant(
        name=name, product_name=product_name.strip() or name, currency=currency.lower(),
        time_zone=time_zone, monthly_price=monthly_price,
        settling_minutes=settling_minutes,
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
        internal_key=credentials.new_internal_key(merchant=merchant, now=now),
        api_key=credentials.new_api_key(merchant=merchant, name="first", now=now),
    )


@transaction.atomic
def brand(*, merchant: Merchant, given: Mapping[str, str], logo: bytes | None = None) -> None:
    """Change how a merchant looks to its customers: some of BRAND, and the logo. `logo` is the
    content of a picture's file; b"" takes the logo away, None leaves it. Raises ValidationError.
    """
    for name, value in given.items():
        setattr(merchant, name, value.strip())
    merchant.full_clean()
    merchant.save(update_fields=list(given))
    if logo is not None:
        _set_logo(merchant, logo)


def _set_logo(merchant: Merchant, logo: bytes) -> None:
    if not logo:
        logos.remove(merchant=merchant)
        return
    try:
        logos.put(merchant=merchant, given=logo)
    except PictureError as error:
        raise ValidationError({"logo": str(error)}) from error


def set_send_window(*, merchant: Merchant, given: Mapping[str, int | str]) -> None:
    """Change when a merchant's customers are written to: some of SEND_WINDOW. A step that is due
    outside of it waits for it to open. Raises ValidationError."""
    for name, value in given.items():
        setattr(merchant, name, value)
    merchant.full_clean(validate_constraints=False)  # those are said below, in words
    if merchant.send_from_hour >= merchant.send_until_hour:
        until = f"{merchant.send_until_hour} isn't after {merchant.send_from_hour}."
        raise ValidationError({"send_until_hour": f"{until} A window ends on the day it begins."})
    merchant.save(update_fields=list(given))


def override_decline(*, merchant: Merchant, decline_code: str, decline_type: DeclineType) -> int:
    """From now on the merchant counts a decline code as that type; open cases that show it do so
    at once. Returns how many those are. Raises ValidationError for a code that means the same for
    everybody (a ceiling), and for what can't be one."""
    if declines.is_ceiling(decline_code) or ":" in decline_code or not decline_code:
        named = decline_code or "no code"
        raise ValidationError(
            {"decline_code": f"What {named} means is not the merchant's to say."}
        )
    if not DECLINE_CODE.fullmatch(decline_code):
        raise ValidationError({"decline_code": "Write it as Stripe does: insufficient_funds."})
    DeclineOverride.objects.update_or_create(
        merchant=merchant, decline_code=decline_code, defaults={"decline_type": decline_type}
    )
    showing = _showing(merchant, decline_code)
    for case in showing:
        cases.project_decline(case)
    return len(showing)


def forget_override(*, merchant: Merchant, decline_code: str) -> int:
    """A decline code counts as what it is shipped as again; open cases that show it do so at
    once. Returns how many those are. Raises ValidationError where the merchant has no view of its
    own."""
    own = DeclineOverride.objects.of(merchant).filter(decline_code=decline_code)
    deleted, _by_model = own.delete()
    if not deleted:
        raise ValidationError({"decline_code": f"{merchant} has no view of its own on it."})
    showing = _showing(merchant, decline_code)
    for case in showing:
        failures.reconsider(case=case, decline_code=decline_code)
    return len(showing)


def _showing(merchant: Merchant, decline_code: str) -> list[RecoveryCase]:
    open_cases = RecoveryCase.objects.of(merchant).filter(status=Status.OPEN)
    return list(open_cases.filter(decline_code=decline_code).order_by("id"))


def create_connected(*, api_key: str, now: datetime, **about: Any) -> Credentials:
    """A merchant whose Stripe is connected at once, or none. `about` is what `create` takes.
    Raises ValidationError, ConnectError."""
    check_key(api_key)
    with ExitStack() as undo:
        merchant, made = create(now=now, **about)
        undo.callback(merchant.delete)
        secret = connect(merchant=merchant, api_key=api_key, now=now)
        undo.pop_all()
    return replace(made, webhook_secret=secret)


def connect(*, merchant: Merchant, api_key: str, now: datetime) -> str:
    """Connect a merchant's Stripe with a (restricted) key; returns the endpoint's signing secret.

    Probes what the key may do, makes sure of a portal configuration and of one webhook endpoint
    with the pinned version, and opens cases for what has failed already. Doing it again repairs
    what is missing. Raises ConnectError, and then all is as it was: Stripe has room for 16
    endpoints only, and none is left there without a use.
    """
    check_key(api_key)
    gateway = StripeGateway(api_key=api_key)
    livemode = "_live_" in api_key
    try:
        _check_permissions(gateway)
        account = gateway.account()
        _check_is_free(merchant, account=account, livemode=livemode)
        portal = gateway.ensure_portal_configuration()
        with ExitStack() as undo:
            undo.callback(StripeConnection.objects.get(merchant=merchant).save)
            endpoint_id, secret = _ensure_endpoint(merchant, gateway, undo)
            connection = merchant.stripe
            connection.api_key = api_key
            connection.account_id = account
            connection.livemode = livemode
            connection.endpoint_id = endpoint_id
            connection.portal_configuration_id = portal
            connection.api_version = API_VERSION
            connection.connected_at = now
            connection.disconnected_at = None
            _keep(connection)
            _import_failed_invoices(merchant, gateway, now=now)
            undo.pop_all()
    except StripeError as error:
        raise ConnectError(str(error)) from error
    return secret


def _check_is_free(merchant: Merchant, *, account: str, livemode: bool) -> None:
    others = StripeConnection.objects.exclude(merchant=merchant).select_related("merchant")
    taken = others.filter(account_id=account, livemode=livemode).first() if account else None
    if taken is not None:
        raise ConnectError(
            f"The Stripe account {account} ({'live' if livemode else 'test'} mode) belongs to "
            f"the merchant {taken.merchant.public_id} already. Each account has one merchant in "
            "each mode: use that one, or the key of another account."
        )


def _keep(connection: StripeConnection) -> None:
    """Another merchant may have been connected to the account since it was found free."""
    try:
        with transaction.atomic():
            connection.save()
    except IntegrityError:
        _check_is_free(
            connection.merchant,
            account=connection.account_id,
            livemode=connection.livemode is True,
        )
        raise


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
    missing = gateway.missing_permissions(permissions.REQUIRED)
    if missing:
        raise ConnectError(
            "The key lacks permissions. In Stripe's dashboard, edit it and allow:\n"
            + "\n".join(f"  {name}" for name in missing)
        )


def missing_extras(merchant: Merchant) -> Mapping[str, str]:
    """The permissions that the merchant's key lacks and that Recover can do without, with what
    each would be for; none where Stripe can't be asked."""
    try:
        missing = stripe_gateway.of(merchant).missing_permissions(permissions.OPTIONAL)
    except StripeError:
        return {}
    return {name: permissions.OPTIONAL[name] for name in missing}


def _ensure_endpoint(
    merchant: Merchant, gateway: StripeGateway, undo: ExitStack
) -> tuple[str, str]:
    """Id and secret of our own endpoint, reused if we still know its secret; Stripe tells a
    secret just once, so one whose secret we lost is replaced."""
    events = [event.value for event in EventType if event not in ONLY_FOR_CONNECT]
    url = webhook_url(merchant)
    known = {row.endpoint_id: row for row in SigningSecret.objects.of(merchant)}
    stale = []
    for endpoint in gateway.endpoints():
        if endpoint.url != url:
            continue
        if endpoint.id in known and endpoint.api_version == API_VERSION:
            gateway.update_endpoint(endpoint.id, events=events)
            return endpoint.id, str(known[endpoint.id].secret)
        stale.append(endpoint.id)
    for endpoint_id in stale:
        gateway.delete_endpoint(endpoint_id)
    made = gateway.create_endpoint(
        url=url, events=events, merchant=merchant.public_id,
        key=f"endpoint:{merchant.public_id}:{secrets.token_hex(8)}",
    )  # fmt: skip
    undo.callback(_remove_endpoint, merchant, gateway, made.id)
    SigningSecret.objects.create(merchant=merchant, secret=made.secret, endpoint_id=made.id)
    return made.id, made.secret


def _remove_endpoint(merchant: Merchant, gateway: StripeGateway, endpoint_id: str) -> None:
    SigningSecret.objects.of(merchant).filter(endpoint_id=endpoint_id).delete()
    try:
        gateway.delete_endpoint(endpoint_id)
    except StripeError as error:
        logger.warning("Endpoint %s is of no use; delete it in Stripe: %s", endpoint_id, error)


def _import_failed_invoices(merchant: Merchant, gateway: StripeGateway, *, now: datetime) -> None:
    """What failed before Recover came is recovered too."""
    for invoice in gateway.open_invoices():
        ingest.invoice_failed(
            merchant=merchant, told=invoice, failed_at=invoice.created_at or now, now=now
        )
