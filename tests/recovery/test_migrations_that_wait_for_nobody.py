"""A migration is applied while the product works: none holds a table that grows for as long as it
takes to look through it."""

import re
from functools import cache
from typing import Any, cast

import pytest
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.utils import timezone

from recovery.migrations._on_postgresql import on_postgresql
from recovery.migrations._while_working import (
    AddConstraintWhileWorking,
    AddIndexWhileWorking,
    RemoveIndexWhileWorking,
)

LOADER = MigrationLoader(None)
pytestmark = pytest.mark.django_db(transaction=True)
# Applied before anybody had a database that was worth waiting for.
FIRST_HELD = {
    "recovery": "0025",
    "dunning": "0013",
    "billing_portal": "0006",
    "back_office": "0004",
}
# Merchants, their people and settings: looked through in a moment.
SMALL = {
    "recovery_merchant", "recovery_stripeconnection", "recovery_user", "recovery_membership",
    "dunning_dunningcampaign", "dunning_campaignstep", "dunning_messagetemplate",
    "back_office_invariantcheck", "back_office_savedview",
}  # fmt: skip
# What PostgreSQL does while others wait for the table (its manual: ALTER TABLE, CREATE INDEX).
LOOKS_THROUGH = {
    "an index is built": r'CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY).* ON "{table}"',
    "rows are checked": r'ALTER TABLE "{table}" ADD CONSTRAINT (?!.*NOT VALID)',
    "a key is checked": r'ALTER TABLE "{table}" ADD COLUMN .* REFERENCES ',
    "each row is written anew": r'ALTER TABLE "{table}" ALTER COLUMN "\w+" TYPE ',
    "each row is looked at": r'ALTER TABLE "{table}" ALTER COLUMN "\w+" SET NOT NULL',
}


def held_up(migration: migrations.Migration, state: ProjectState) -> list[str]:
    """What others wait for, in words."""
    statements = sql_of(migration, state)
    made = set(re.findall(r'CREATE TABLE "(\w+)"', "\n".join(statements)))
    found = []
    for statement in statements:
        named = re.search(r'(?:ALTER TABLE| ON) "(\w+)"', statement)
        table = named[1] if named else ""
        found += [
            f"{what}: {statement}"
            for what, pattern in LOOKS_THROUGH.items()
            if table not in made | SMALL and re.search(pattern.format(table=table), statement)
        ]
    writes = [one for one in migration.operations if isinstance(one, migrations.RunPython)]
    if migration.atomic and any(one.code.__module__ != on_postgresql.__module__ for one in writes):
        found.append(f"many rows are written in one transaction: {migration}")
    return found


def ours() -> list[tuple[str, str]]:
    """From the first that is held to it, app by app."""
    return [
        (app, name)
        for app, name in sorted(LOADER.disk_migrations)
        if app in FIRST_HELD and name >= FIRST_HELD[app]
    ]


def unwritable(migration: migrations.Migration) -> list[str]:
    """Columns that a program of the version before, which is at work until it is replaced, would
    leave out and that may not be: Django takes a `default` away again, unlike a `db_default`."""
    return [
        f"{operation.model_name}.{operation.name}"
        for operation in migration.operations
        if isinstance(operation, migrations.AddField)
        and not (operation.field.null or operation.field.has_db_default())
    ]


def sql_of(migration: migrations.Migration, state: ProjectState) -> list[str]:
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        migration.apply(state.clone(), editor, collect_sql=True)
    return [line for line in editor.collected_sql if not line.startswith("--")]


@pytest.fixture(autouse=True)
def _on_postgresql() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time anyway.")


@pytest.mark.parametrize(("app", "name"), ours(), ids=[f"{app}.{name}" for app, name in ours()])
def test_nobody_waits_for_a_table_that_is_looked_through(app: str, name: str) -> None:
    state = LOADER.project_state((app, name), at_end=False)

    assert held_up(LOADER.get_migration(app, name), state) == []


@pytest.mark.parametrize(("app", "name"), ours(), ids=[f"{app}.{name}" for app, name in ours()])
def test_a_program_of_the_version_before_can_still_write_rows(app: str, name: str) -> None:
    assert unwritable(LOADER.get_migration(app, name)) == []


def test_a_column_that_it_would_have_to_name_is_seen() -> None:
    added: dict[str, models.Field[Any, Any]] = {
        "named": models.BooleanField(default=False),
        "filled": models.BooleanField(default=False, db_default=False),
        "empty": models.DateTimeField(null=True),
    }
    found = [
        unwritable(migration(migrations.AddField(CASES, name, field), atomic=True))
        for name, field in added.items()
    ]

    assert found == [["recoverycase.named"], [], []]


CASES, CHECK = "recoverycase", models.Q(amount__gt=0)
LONG: dict[str, Operation] = {
    "an index is built": migrations.AddIndex(
        CASES, models.Index(fields=["currency"], name="made")
    ),
    "rows are checked": migrations.AddConstraint(
        CASES, models.CheckConstraint(condition=CHECK, name="made")
    ),
    "a key is checked": migrations.AddField(
        CASES, "made", models.ForeignKey("recovery.Merchant", models.CASCADE, null=True)
    ),
    "each row is written anew": migrations.AlterField(
        CASES, "attempt_count", models.BigIntegerField(default=0)
    ),
    "each row is looked at": migrations.AlterField(
        CASES, "closed_at", models.DateTimeField(default=timezone.now)
    ),
    "many rows are written in one transaction": migrations.RunPython(lambda _apps, _editor: None),
}
SHORT: list[Operation] = [
    migrations.AddField(CASES, "made", models.DateTimeField(null=True)),
    migrations.AddField(CASES, "made", models.BooleanField(default=False)),
    migrations.RemoveField(CASES, "description"),
    migrations.RemoveIndex(CASES, "cases_newest_first"),
    migrations.CreateModel("Made", [("id", models.BigAutoField(primary_key=True)),
                                    ("of", models.ForeignKey("recovery.RecoveryCase",
                                                             models.CASCADE))]),
    migrations.RunPython(on_postgresql("SELECT 1")),  # type: ignore[no-untyped-call]
]  # fmt: skip
WHILE_WORKING: list[Operation] = [
    AddIndexWhileWorking(CASES, models.Index(fields=["currency"], name="made")),
    RemoveIndexWhileWorking(CASES, "cases_newest_first"),
    AddConstraintWhileWorking(CASES, models.CheckConstraint(condition=CHECK, name="made")),
    migrations.RunPython(lambda _apps, _editor: None),
]


@cache
def latest() -> ProjectState:
    return LOADER.project_state()


def migration(operation: Operation, *, atomic: bool) -> migrations.Migration:
    kind = type("Made", (migrations.Migration,), {"operations": [operation], "atomic": atomic})
    return cast("migrations.Migration", kind("made", "recovery"))


@pytest.mark.parametrize("what", LONG)
def test_what_takes_long_is_seen(what: str) -> None:
    found = held_up(migration(LONG[what], atomic=True), latest())

    assert what in [told.partition(":")[0] for told in found]


@pytest.mark.parametrize("operation", SHORT, ids=lambda one: type(one).__name__)
def test_what_takes_a_moment_is_let_through(operation: Operation) -> None:
    assert held_up(migration(operation, atomic=True), latest()) == []


@pytest.mark.parametrize("operation", WHILE_WORKING, ids=lambda one: type(one).__name__)
def test_so_is_what_is_done_while_others_work(operation: Operation) -> None:
    assert held_up(migration(operation, atomic=False), latest()) == []
