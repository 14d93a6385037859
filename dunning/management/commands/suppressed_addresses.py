"""Addresses that a merchant's mail no longer goes to."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from dunning.mail import addresses
from dunning.models import SuppressedAddress
from recovery import clock
from recovery.management.tenants import merchant_called
from recovery.masking import mask_email, mask_within
from recovery.models import Merchant
from recovery.timeline import Actor


class Command(BaseCommand):
    help = "Addresses that a merchant's mail no longer goes to, and why; or lift one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("merchant_id", help="mer_…, from create_merchant")
        parser.add_argument(
            "--lift", metavar="ADDRESS", help="write to it again: only if its owner asks for that"
        )
        parser.add_argument("--unmasked", action="store_true", help="show whole addresses")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        merchant = merchant_called(options["merchant_id"])
        if options["lift"] is not None:
            self.stdout.write(_lift(merchant, options["lift"].strip()))
            return
        listed = addresses.listed(merchant)
        for address in listed.iterator():
            self.stdout.write(_line(address, merchant, is_masked=not options["unmasked"]))
        if not listed.exists():
            self.stdout.write(f"{merchant} has no suppressed address.")


def _lift(merchant: Merchant, email: str) -> str:
    if not email:
        raise CommandError("Write the whole address after --lift.")
    try:
        lifted = addresses.lift(
            merchant=merchant, email=email, actor=Actor.OPERATOR, now=clock.now()
        )
    except addresses.NotSuppressedError as error:
        raise CommandError(str(error)) from error
    why = f"suppressed as {lifted.reason} since {_day(lifted, merchant)}"
    return f"{email.lower()} may be written to again; it was {why}."


def _line(address: SuppressedAddress, merchant: Merchant, *, is_masked: bool) -> str:
    email = mask_email(address.email) if is_masked else address.email
    detail = mask_within(address.detail) if is_masked else address.detail
    since = _day(address, merchant)
    return f"{email:<32} {address.reason:<13} {since} {' '.join(detail.split())}".rstrip()


def _day(address: SuppressedAddress, merchant: Merchant) -> str:
    return address.suppressed_at.astimezone(merchant.zone).date().isoformat()
