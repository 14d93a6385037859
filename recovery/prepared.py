"""A statement that PostgreSQL plans once in each of its connections: to plan an insert takes it as
long as the insert, and what Django and psycopg do around any statement half as long."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, Generic, TypeVar
from weakref import WeakSet

import psycopg
from django.db import connection
from django.db.models import QuerySet
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult

PLACE = "\ue000"  # stands for a value while its SQL is written; for private use in Unicode
DONE = {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}
Row = TypeVar("Row", bound=tuple[Any, ...])


class Prepared:
    """`statement` has $1, $2 … for its values, which are told as text."""

    def __init__(self, name: str, statement: str) -> None:
        self._name, self._statement = name.encode(), statement
        self._known: WeakSet[psycopg.Connection[Any]] = WeakSet()

    def execute(self, *values: str) -> None:
        """In Django's connection, and its transaction if it is in one; what it returns is left.
        Raises as Django does."""
        self._run(values)

    def rows(self, *values: str) -> list[tuple[Any, ...]]:
        """As `execute`; what it returns, in Python's types as Django's cursors have them."""
        result = self._run(values)
        reading = Transformer(connection.connection)
        reading.set_pgresult(result)
        return reading.load_rows(0, result.ntuples, tuple)

    def _run(self, values: Sequence[str]) -> PGresult:
        connection.ensure_connection()
        with connection.wrap_database_errors:
            if any("\0" in value for value in values):  # it would end there, in silence
                raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
            if not connection.in_atomic_block:
                return self._execute(connection.connection, [value.encode() for value in values])
            # The transaction is begun by psycopg, with its first statement.
            done = psycopg.RawCursor(connection.connection).execute(self._statement, values)
            if done.pgresult is None:
                raise psycopg.InternalError("A statement has no result.")
            return done.pgresult

    def _execute(self, at: psycopg.Connection[Any], values: Sequence[bytes]) -> PGresult:
        if at in self._known:
            try:
                return _done(at.pgconn.exec_prepared(self._name, values), at)
            except psycopg.errors.FeatureNotSupported:  # a migration changed what it returns
                self._known.discard(at)
                _done(at.pgconn.exec_(b"DEALLOCATE " + self._name), at)
        _done(at.pgconn.prepare(self._name, self._statement.encode()), at)
        self._known.add(at)
        return _done(at.pgconn.exec_prepared(self._name, values), at)


class PreparedQuery(Generic[Row]):
    """`ask` makes a query of rows by one text: Django writes its SQL once in each process, which
    takes as long as to plan it. SQLite, which has nothing prepared, is asked as ever."""

    def __init__(self, name: str, ask: Callable[[str], "QuerySet[Any, Row]"]) -> None:
        self._name, self._ask = name, ask
        self._written: tuple[Prepared, list[str]] | None = None
        self._writing = Lock()  # two statements of one name would each be prepared

    def rows(self, value: str) -> list[Row]:
        if connection.vendor != "postgresql":
            return list(self._ask(value))
        prepared, places = self._written or self._write()
        told = (value if place == PLACE else place for place in places)
        return prepared.rows(*told)  # type: ignore[return-value] # the query says what they are

    def _write(self) -> tuple[Prepared, list[str]]:
        """The statement, and the values that it is told with PLACE for the one that differs."""
        with self._writing:
            if self._written is None:
                sql, told = self._ask(PLACE).query.sql_with_params()
                statement = sql % tuple(f"${number}" for number in range(1, len(told) + 1))
                self._written = Prepared(self._name, statement), [str(one) for one in told]
            return self._written


def _done(result: PGresult, at: psycopg.Connection[Any]) -> PGresult:
    if at.pgconn.status != ConnStatus.OK:
        raise psycopg.OperationalError(at.pgconn.get_error_message())
    if result.status not in DONE:
        raise psycopg.errors.error_from_result(result, encoding=at.info.encoding)
    return result
