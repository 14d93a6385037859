"""Indexes and constraints that come and go while the tables are worked with: on PostgreSQL nobody
waits for them. SQLite is for trying out, and knows no other way. Migrations that use these aren't
atomic."""

from django.contrib.postgres.operations import (
    AddConstraintNotValid, AddIndexConcurrently, RemoveIndexConcurrently, ValidateConstraint,
)
from django.db import migrations, models


class AddIndexWhileWorking(AddIndexConcurrently):
    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        else:
            migrations.AddIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
        else:
            migrations.AddIndex.database_backwards(self, app_label, schema_editor, from_state, to_state)


class RemoveIndexWhileWorking(RemoveIndexConcurrently):
    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        else:
            migrations.RemoveIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
        else:
            migrations.RemoveIndex.database_backwards(self, app_label, schema_editor, from_state, to_state)


def _unnamed(operation, app_label, schema_editor, state, *, but, **kind):
    """The model, and what the database itself has named of one kind on the operation's column: not
    what stands in the model's Meta under `but`."""
    model = state.apps.get_model(app_label, operation.model_name)
    column = model._meta.get_field(operation.name).column
    named = {one.name for one in getattr(model._meta, but)}
    return model, schema_editor._constraint_names(model, [column], exclude=named, **kind)


class UnindexWhileWorking(migrations.AlterField):
    """A foreign key's own index goes, and nothing else changes. AlterField would make the key anew,
    and check every row for it while others wait."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        _model, names = _unnamed(
            self, app_label, schema_editor, from_state, but="indexes",
            index=True, unique=False, type_=models.Index.suffix,
        )
        for name in names:
            schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(name)}")

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor != "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        field = model._meta.get_field(self.name)
        schema_editor.execute(
            schema_editor._create_index_sql(model, fields=[field], concurrently=True)
        )


class AllowSeveralWhileWorking(migrations.AlterField):
    """A one-to-one key becomes a foreign key without an index: its uniqueness goes, and nothing else
    changes. Backwards the key is made anew, as by AlterField."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model, names = _unnamed(
            self, app_label, schema_editor, from_state, but="constraints",
            unique=True, primary_key=False,
        )
        for name in names:
            schema_editor.execute(schema_editor._delete_unique_sql(model, name))

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        super().database_forwards(app_label, schema_editor, from_state, to_state)


class AddConstraintWhileWorking(migrations.AddConstraint):
    """It holds at once for what is written; the rows that are there are looked through meanwhile."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        addition = AddConstraintNotValid(self.model_name, self.constraint)
        addition.database_forwards(app_label, schema_editor, from_state, to_state)
        validation = ValidateConstraint(self.model_name, self.constraint.name)
        validation.database_forwards(app_label, schema_editor, from_state, to_state)


class AddUniqueWhileWorking(migrations.AddConstraint):
    """A promise that few rows or none break: kept by an index, as the database keeps all of them."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        statement = str(self.constraint.create_sql(model, schema_editor))
        schema_editor.execute(
            statement.replace("CREATE UNIQUE INDEX", "CREATE UNIQUE INDEX CONCURRENTLY", 1), params=None
        )
