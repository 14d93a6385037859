"""Make someone who may log in for a merchant, or give them another role or password."""

import getpass
from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import transaction

from recovery.management.tenants import merchant_called
from recovery.models import Membership, Merchant, Role, User


class Command(BaseCommand):
    help = "Make a user of a merchant. Doing it again changes role and password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--merchant", required=True, help="mer_…")
        parser.add_argument("--role", choices=Role.values, default=Role.OPERATOR)
        parser.add_argument("--password", default="", help="asked for if it isn't given")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        merchant = merchant_called(options["merchant"])
        email = options["email"].strip().lower()
        password = options["password"] or getpass.getpass()
        user = User.objects.filter(email=email).first() or User(email=email)
        try:
            validate_email(email)
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        _let_in(user, password=password, merchant=merchant, role=options["role"])
        self.stdout.write(
            f"{email} may log in at /admin/ as {options['role']} of {merchant.name}."
        )


@transaction.atomic
def _let_in(user: User, *, password: str, merchant: Merchant, role: str) -> None:
    user.is_staff = user.is_active = True
    user.set_password(password)
    user.save()
    apps = ("recovery", "dunning", "billing_portal")
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label__in=apps, codename__startswith="view_")
    )
    Membership.objects.update_or_create(user=user, merchant=merchant, defaults={"role": role})
