"""Which person a command is about."""

from django.core.management.base import CommandError, CommandParser

from recover_project.back_office.customers import handling
from recovery.management.tenants import merchant_called
from recovery.models import Customer


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("--merchant", required=True, metavar="MERCHANT", help="mer_…")
    parser.add_argument(
        "--customer", required=True, metavar="CUSTOMER",
        help="cus_…, or the whole address of a guest, who has none",
    )  # fmt: skip


def customer_called(merchant_id: str, name: str) -> Customer:
    """Raises CommandError where there is none."""
    merchant = merchant_called(merchant_id)
    customer = handling.known_as(merchant.pk, name.strip())
    if customer is None:
        raise CommandError(f"{merchant} has no such customer.")
    return customer
