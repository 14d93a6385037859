"""A merchant's internal keys: list, replace, revoke."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recovery import clock, credentials
from recovery.credentials import internal_keys
from recovery.management.moments import minute
from recovery.management.tenants import merchant_called
from recovery.models import InternalKey, Merchant

LONGEST_OVERLAP = 30 * 24  # hours


class Command(BaseCommand):
    help = "Internal keys of a merchant. A key is shown when it is made and never again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("merchant_id", help="mer_…, from create_merchant")
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="all keys, the newest first")
        rotate = actions.add_parser("rotate", help="make a key that replaces the one there is")
        rotate.add_argument(
            "--overlap-hours", type=int, default=24,
            help="how long the old one is valid beside it (24); 0 where it has leaked",
        )  # fmt: skip
        revoke = actions.add_parser("revoke", help="end a key at once")
        revoke.add_argument("number", type=int, help="from list")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        merchant = merchant_called(options["merchant_id"])
        for line in ACTIONS[options["action"]](merchant, options):
            self.stdout.write(line)


def _list(merchant: Merchant, _options: dict[str, Any]) -> list[str]:
    keys = [_line(key, merchant) for key in internal_keys.of_merchant(merchant)]
    return keys or [f"{merchant} has no internal key."]


def _line(key: InternalKey, merchant: Merchant) -> str:
    made, end, used = (
        minute(at, merchant) for at in (key.created_at, key.expires_at, key.last_used_at)
    )
    return f"{key.pk:>6}  {key}  made {made}  ends {end:<16}  used {used}"


def _rotate(merchant: Merchant, options: dict[str, Any]) -> list[str]:
    hours = options["overlap_hours"]
    if not 0 <= hours <= LONGEST_OVERLAP:
        raise CommandError(f"--overlap-hours is 0 to {LONGEST_OVERLAP}.")
    overlap = timedelta(hours=hours)
    return [credentials.new_internal_key(merchant=merchant, now=clock.now(), overlap=overlap)]


def _revoke(merchant: Merchant, options: dict[str, Any]) -> list[str]:
    key = InternalKey.objects.of(merchant).filter(pk=options["number"]).first()
    if key is None:
        raise CommandError(f"{merchant} has no internal key {options['number']}.")
    credentials.revoke_internal_key(key=key, now=clock.now())
    return [f"{key} opens nothing any more."]


ACTIONS = {"list": _list, "rotate": _rotate, "revoke": _revoke}
