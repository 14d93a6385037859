"""What is kept encrypted is encrypted anew, with the newest key, while everybody goes on.

A key that leaves FIELD_ENCRYPTION_KEYS takes with it what only it can read, so before one does,
everything is to be read and written once (docs/configuration.md, "A new encryption key").
"""

from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.conf import settings
from django.db.models import F, Model, TextField, Value
from django.db.models.functions import Cast

from recovery.models.fields import EncryptedTextField, cipher

BATCH = 500


@dataclass(slots=True)
class Count:
    """Values by what became of them; `unreadable`: no key that is set can read them."""

    renewed: int = 0
    current: int = 0
    unreadable: int = 0


def columns() -> Iterator[tuple[type[Model], str]]:
    """Every encrypted column of every table."""
    for model in apps.get_models():
        for field in model._meta.get_fields():  # noqa: SLF001 - Django's documented way to fields
            if isinstance(field, EncryptedTextField):
                yield model, field.name


def renew_column(model: type[Model], name: str) -> Count:
    """Each value as it stands, unless it has changed since it was read: then whoever changed it
    has encrypted it with the newest key. Rows are locked one at a time."""
    count, last = Count(), 0
    rows = model._base_manager.annotate(stored=Cast(F(name), TextField()))  # noqa: SLF001
    kept = rows.exclude(stored="").order_by("pk").values_list("pk", "stored")
    while page := list(kept.filter(pk__gt=last)[:BATCH]):
        for pk, stored in page:
            renewed = renewed_value(stored, count)
            if renewed is not None:
                as_read = rows.filter(pk=pk, stored=stored)
                as_read.update(**{name: Value(renewed, output_field=TextField())})
        last = page[-1][0]
    return count


def renewed_value(stored: str, count: Count) -> str | None:
    """The same under the newest key; None where there is nothing to write. It is counted."""
    if _is_current(stored):
        count.current += 1
        return None
    try:
        renewed = cipher().rotate(stored).decode()
    except InvalidToken:
        count.unreadable += 1
        return None
    count.renewed += 1
    return renewed


def _is_current(stored: str) -> bool:
    try:
        Fernet(settings.FIELD_ENCRYPTION_KEYS[0]).decrypt(stored)
    except InvalidToken:
        return False
    return True
