"""A statement that PostgreSQL plans once in each of its connections: to plan an insert takes it as
long as the insert, and what Django and psycopg do around any statement half as long."""

from collections.abc import Sequence
from typing import Any
from weakref import WeakSet

import psycopg
from django.db import connection
from psycopg.pq import ConnStatus, ExecStatus

DONE = {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}


class Prepared:
    """`statement` has $1, $2 … for its values, which are told as text; what it returns is left."""

    def __init__(self, name: str, statement: str) -> None:
        self._name, self._statement = name.encode(), statement
        self._known: WeakSet[psycopg.Connection[Any]] = WeakSet()

    def execute(self, *values: str) -> None:
        """In Django's connection, and its transaction if it is in one. Raises as Django does."""
        connection.ensure_connection()
        with connection.wrap_database_errors:
            if any("\0" in value for value in values):  # it would end there, in silence
                raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
            if connection.in_atomic_block:  # which psycopg begins with the first statement
                psycopg.RawCursor(connection.connection).execute(self._statement, values)
            else:
                self._execute(connection.connection, [value.encode() for value in values])

    def _execute(self, at: psycopg.Connection[Any], values: Sequence[bytes]) -> None:
        if at not in self._known:
            _raise_for(at.pgconn.prepare(self._name, self._statement.encode()), at)
            self._known.add(at)
        _raise_for(at.pgconn.exec_prepared(self._name, values), at)


def _raise_for(result: psycopg.pq.abc.PGresult, at: psycopg.Connection[Any]) -> None:
    if at.pgconn.status != ConnStatus.OK:
        raise psycopg.OperationalError(at.pgconn.get_error_message())
    if result.status not in DONE:
        raise psycopg.errors.error_from_result(result, encoding=at.info.encoding)
