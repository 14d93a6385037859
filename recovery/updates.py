"""Several rows of one kind changed by one statement."""

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Field, Model


def write(rows: Sequence[Model], names: Sequence[str]) -> None:
    """What each row holds now in the fields of these names (`merchant_id`, where one refers to
    another row), as `save(update_fields=…)` of each would write it. Django's `bulk_update` writes
    a condition for each value."""
    if not rows:
        return
    model = type(rows[0])
    key = model._meta.pk  # noqa: SLF001 - Django's own
    named = {field.attname: field for field in model._meta.concrete_fields}  # noqa: SLF001
    fields = [named[name] for name in names]
    columns: list[Field[Any, Any]] = [key, *fields]
    quote = connection.ops.quote_name
    sets = ", ".join(
        f"{quote(str(field.column))} = told.column{number}"
        for number, field in enumerate(fields, 2)
    )
    places = ", ".join(f"({', '.join(['%s'] * len(columns))})" for _row in rows[1:])
    first = f"({', '.join(map(_typed, columns))})"
    table = quote(model._meta.db_table)  # noqa: SLF001
    statement = (
        f"UPDATE {table} SET {sets} FROM (VALUES {first}{', ' if places else ''}{places}) AS told"  # noqa: S608
        f" WHERE {table}.{quote(str(key.column))} = told.column1"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            [
                field.get_db_prep_save(getattr(row, field.attname), connection)
                for row in rows
                for field in columns
            ],
        )


def _typed(field: "Field[Any, Any]") -> str:
    """A place for a value. PostgreSQL takes the types of VALUES from the first row; a length that
    is written there would cut off what is too long, and not refuse it."""
    if connection.vendor != "postgresql":
        return "%s"
    kind = field.rel_db_type(connection) or ""
    return f"%s::{kind.partition('(')[0]}"
