"""Encrypt with the newest key all that is kept encrypted, so that older ones can go."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recover_project.back_office.people.reencryption import renew_second_factors
from recovery import reencryption
from recovery.reencryption import Count


class Command(BaseCommand):
    help = (
        "Encrypt everything anew with the first of FIELD_ENCRYPTION_KEYS, while all goes on. "
        "Prints how many values were renewed; afterwards the others can be taken away."
    )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        unreadable = 0
        for model, name in reencryption.columns():
            count = reencryption.renew_column(model, name)
            unreadable += self._tell(f"{model.__name__}.{name}", count)
        unreadable += self._tell("second factors", renew_second_factors())
        if unreadable:
            raise CommandError(
                f"{unreadable} values were encrypted with a key that is not in "
                "FIELD_ENCRYPTION_KEYS, and stay as they are. Add the key and run this again."
            )
        self.stdout.write("All keys but the first can be taken out of FIELD_ENCRYPTION_KEYS now.")

    def _tell(self, what: str, count: Count) -> int:
        self.stdout.write(
            f"{what:<40} {count.renewed} renewed, {count.current} as new, "
            f"{count.unreadable} unreadable"
        )
        return count.unreadable
