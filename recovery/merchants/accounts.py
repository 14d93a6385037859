"""A merchant and what it says of itself: names, looks, clock, price, when it writes."""

import re
import secrets
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction

from recovery import credentials, logos
from recovery.endpoints import webhook_url
from recovery.models import Merchant, SigningSecret, StripeConnection
from recovery.money import decimals, exists
from recovery.pictures import PictureError
from recovery.reading import LARGEST

PRICE = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?")
LONGEST_SETTLING = 7 * 24 * 60  # minutes
BRAND = ("product_name", "color", "support_email", "sender_email")
DESCRIPTION = (
    "name", "product_name", "currency", "time_zone", "monthly_price", "settling_minutes",
    "payload_days", "message_days", "requires_second_factor",
)  # fmt: skip
SEND_WINDOW = ("send_from_hour", "send_until_hour", "send_weekdays")


class InvalidPriceError(ValueError):
    """What was given is no price in that currency."""


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


def read_price(given: str, currency: str) -> int | None:
    """Major units as a person writes them, in minor units of `currency` (lower-case): `29.00` of
    usd → 2900; `none` → None. Raises InvalidPriceError."""
    if given.lower() == "none":
        return None
    if not PRICE.fullmatch(given):
        raise InvalidPriceError(given)
    amount = Decimal(given).scaleb(decimals(currency))
    if not 0 < amount <= LARGEST or amount != amount.to_integral_value():
        raise InvalidPriceError(given)
    return int(amount)


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
    name = name.strip()
    merchant = Merchant(
        name=name, product_name=product_name.strip() or name, currency=currency.lower(),
        time_zone=time_zone, monthly_price=monthly_price,
        settling_minutes=settling_minutes,
    )  # fmt: skip
    _check(merchant)
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


def describe(*, merchant: Merchant, given: Mapping[str, str | int | bool | None]) -> None:
    """Change what a merchant is called and counts in: some of DESCRIPTION; `monthly_price` is in
    minor units of the currency that it has then. Raises ValidationError."""
    for name, value in given.items():
        setattr(merchant, name, value.strip() if isinstance(value, str) else value)
    merchant.currency = merchant.currency.lower()
    _check(merchant)
    merchant.save(update_fields=list(given))


def _check(merchant: Merchant) -> None:
    if merchant.time_zone not in zoneinfo.available_timezones():
        raise ValidationError({"time_zone": f"There is no time zone {merchant.time_zone!r}."})
    if merchant.settling_minutes > LONGEST_SETTLING:
        raise ValidationError({"settling_minutes": f"At most {LONGEST_SETTLING}, a week."})
    merchant.full_clean()
    if not exists(merchant.currency):
        raise ValidationError({"currency": f"There is no currency {merchant.currency!r}."})


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
