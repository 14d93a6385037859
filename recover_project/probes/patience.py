"""How long a probe's statement may take."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def statements_end_within(*, seconds: float) -> Iterator[None]:
    """Within this, PostgreSQL gives up what takes longer, with an OperationalError.

    SQLite has no such limit and needs none: who reads waits for nobody there. Nor is there a
    transaction, which would wait for whoever writes (`transaction_mode` in the settings).
    """
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('statement_timeout', %s, true)", [str(round(seconds * 1000))]
            )
        yield
