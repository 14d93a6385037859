"""How a merchant's mails and pages look, and who they are from."""

from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from recovery import logos, merchants
from recovery.management.sentences import sentence
from recovery.management.tenants import merchant_called
from recovery.pictures import LARGEST_GIVEN

NO_LOGO = "none"


class Command(BaseCommand):
    help = "Change how a merchant's mails and pages look; prints what holds now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("merchant_id", help="mer_…, from create_merchant")
        parser.add_argument("--product-name", help="what customers know it as")
        parser.add_argument("--color", help="of buttons and the like: #rrggbb")
        parser.add_argument("--logo", help="a PNG, JPEG, WebP or GIF file; none for no logo")
        parser.add_argument("--support-email", help='where answers go; "" for nowhere')
        parser.add_argument("--sender-email", help="""who mail is from; "" for the platform's""")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        merchant = merchant_called(options["merchant_id"])
        given = {name: options[name] for name in merchants.BRAND if options[name] is not None}
        logo = None if options["logo"] is None else _content(options["logo"])
        try:
            merchants.brand(merchant=merchant, given=given, logo=logo)
        except ValidationError as error:
            raise CommandError(sentence(error)) from error
        for name in merchants.BRAND:
            self.stdout.write(f"{name:<16}{getattr(merchant, name) or 'none'}")
        self.stdout.write(f"{'logo':<16}{logos.of(merchant) or NO_LOGO}")


def _content(name: str) -> bytes:
    """Of a file: no more of it than tells that it is too large."""
    if name in {"", NO_LOGO}:
        return b""
    try:
        with Path(name).open("rb") as file:
            content = file.read(LARGEST_GIVEN + 1)
    except OSError as error:
        raise CommandError(f"--logo: {name} can't be read: {error.strerror}.") from error
    if not content:
        raise CommandError(f"--logo: {name} is empty.")
    return content
