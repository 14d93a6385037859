"""A merchant's API keys: list, make, revoke."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recovery import clock, credentials
from recovery.credentials import api_keys
from recovery.management.moments import minute
from recovery.management.tenants import merchant_called
from recovery.models import ApiKey, Merchant
from recovery.scopes import SPELLINGS


class Command(BaseCommand):
    help = "API keys of a merchant. A key is shown when it is made and never again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("merchant_id", help="mer_…, from create_merchant")
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="all keys, the newest first")
        create = actions.add_parser("create", help="make a key and show it")
        create.add_argument("name", help="what it is for; timelines say it of what it did")
        create.add_argument(
            "--scopes", choices=SPELLINGS, default="read write", help="what it may do (read write)"
        )
        create.add_argument("--days", type=int, default=365, help="how long it is valid (365)")
        revoke = actions.add_parser("revoke", help="end a key at once")
        revoke.add_argument("key_id", help="key_…, from list")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        merchant = merchant_called(options["merchant_id"])
        for line in ACTIONS[options["action"]](merchant, options):
            self.stdout.write(line)


def _list(merchant: Merchant, _options: dict[str, Any]) -> list[str]:
    keys = [_line(key, merchant) for key in api_keys.of_merchant(merchant)]
    return keys or [f"{merchant} has no API key."]


def _line(key: ApiKey, merchant: Merchant) -> str:
    end = ("ends", key.expires_at) if key.revoked_at is None else ("revoked", key.revoked_at)
    used = minute(key.last_used_at, merchant)
    return (
        f"{key.key_id}  {key.scopes:<10}  {end[0]:<7} {minute(end[1], merchant)}  "
        f"used {used:<16}  {key.name}"
    )


def _create(merchant: Merchant, options: dict[str, Any]) -> list[str]:
    try:
        key = credentials.new_api_key(
            merchant=merchant, name=options["name"], now=clock.now(),
            scopes=SPELLINGS[options["scopes"]], lifetime=_days(options["days"]),
        )  # fmt: skip
    except credentials.InvalidKeyError as error:
        raise CommandError(str(error)) from error
    return [key]


def _days(days: int) -> timedelta:
    try:
        return timedelta(days=days)
    except OverflowError:
        return timedelta.max


def _revoke(merchant: Merchant, options: dict[str, Any]) -> list[str]:
    key = ApiKey.objects.of(merchant).filter(key_id=options["key_id"]).first()
    if key is None:
        raise CommandError(f"{merchant} has no API key {options['key_id']}.")
    credentials.revoke_api_key(key=key, now=clock.now())
    return [f"{key.key_id} ({key}) opens nothing any more."]


ACTIONS = {"list": _list, "create": _create, "revoke": _revoke}
