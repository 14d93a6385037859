"""A prepared statement behaves as any other of Django's: in its transaction, with its errors."""

import time

import pytest
from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from recovery.models import Heartbeat
from recovery.prepared import Prepared, PreparedQuery
from tests.threads import at_once

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL prepares alone."),
]
NOTE = Prepared("note_for_test", "INSERT INTO told_in_test (told) VALUES ($1)")

READ = Prepared(
    "read_for_test", "SELECT told, length(told), told = $1 FROM told_in_test ORDER BY told"
)


@pytest.fixture(autouse=True)
def _table(transactional_db: None) -> object:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE told_in_test (told varchar(9) UNIQUE CHECK (told <> ''))")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE told_in_test")


def told() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT told FROM told_in_test ORDER BY told")
        return [value for (value,) in cursor.fetchall()]


def test_what_is_told_is_there_at_once_in_whatever_connection() -> None:
    NOTE.execute("first")
    NOTE.execute("é \u2028 '")
    connection.close()
    NOTE.execute("third")

    assert told() == ["first", "third", "é \u2028 '"]


def test_a_transaction_that_is_rolled_back_takes_it_along() -> None:
    with transaction.atomic():
        NOTE.execute("first")
        assert told() == ["first"]
        transaction.set_rollback(True)

    assert told() == []


def test_what_breaks_a_promise_raises_as_djangos_own() -> None:
    NOTE.execute("first")

    for value in ("first", ""):
        with pytest.raises(IntegrityError):
            NOTE.execute(value)
    with pytest.raises(DataError):
        NOTE.execute("longer than nine")
    with pytest.raises(DataError, match="NUL"):
        NOTE.execute("a\0b")
    with pytest.raises(IntegrityError), transaction.atomic():
        NOTE.execute("first")
    assert told() == ["first"]


def test_a_connection_that_was_cut_is_an_error_of_operation_and_the_next_is_fine() -> None:
    NOTE.execute("first")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [backend] = cursor.fetchone() or [0]
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [backend])
    other.close()

    with pytest.raises(OperationalError):
        NOTE.execute("second")
    connection.close_if_unusable_or_obsolete()
    NOTE.execute("third")

    assert told() == ["first", "third"]


def test_what_a_statement_returns_is_in_the_types_of_python() -> None:
    assert READ.rows("a") == []
    NOTE.execute("a")
    NOTE.execute("é 100 %")

    expected = [("a", 1, True), ("é 100 %", 7, False)]
    assert READ.rows("a") == expected
    with transaction.atomic():
        assert READ.rows("a") == expected


def test_a_migration_that_changes_what_is_returned_is_followed() -> None:
    NOTE.execute("first")
    assert READ.rows("first") == [("first", 5, True)]
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE told_in_test ALTER COLUMN told TYPE varchar(20)")

    assert READ.rows("first") == [("first", 5, True)]
    assert READ.rows("first") == [("first", 5, True)]


def test_a_query_is_written_once_though_all_threads_ask_it_first() -> None:
    Heartbeat.objects.create(name="100 % é", beat_at=timezone.now())
    written, found = [], []

    def ask(name: str) -> "QuerySet[Heartbeat, tuple[str]]":
        written.append(name)
        time.sleep(0.1)  # the others are there
        return Heartbeat.objects.filter(name=name).exclude(name="%s").values_list("name")

    query = PreparedQuery("heartbeat_for_test", ask)
    at_once(*[lambda: found.append(query.rows("100 % é"))] * 4)

    assert found == [[("100 % é",)]] * 4
    assert query.rows("another") == []
    assert len(written) == 1
