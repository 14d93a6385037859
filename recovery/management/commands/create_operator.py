"""Make someone who may log in for a merchant, or give them another role or password."""

import getpass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from recovery import team
from recovery.management.tenants import merchant_called
from recovery.models import Role


class Command(BaseCommand):
    help = "Make a user of a merchant. Doing it again changes role and password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--merchant", required=True, help="mer_…")
        parser.add_argument("--role", choices=Role.values, default=Role.OPERATOR)
        parser.add_argument("--password", default="", help="asked for if it isn't given")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        merchant = merchant_called(options["merchant"])
        try:
            password, role = options["password"] or getpass.getpass(), options["role"]
        except EOFError as error:
            raise CommandError("Nobody is there to be asked: give --password.") from error
        try:
            user = team.let_in(
                merchant=merchant, email=options["email"], password=password, role=role
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"{user.email} may log in at /admin/ as {role} of {merchant.name}.")
