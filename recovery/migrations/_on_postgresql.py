"""SQL of PostgreSQL's own. SQLite is for trying out, and does without."""


def on_postgresql(statements):
    """For RunPython."""

    def run(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(statements, params=None)

    return run
