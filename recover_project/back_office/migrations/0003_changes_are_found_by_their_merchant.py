from django.db import migrations


# The table is auditlog's, and so is the name of the column; SQLite is for trying out.
NAME = "changes_of_a_merchant"


def find_by_merchant(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            f"CREATE INDEX CONCURRENTLY {NAME} ON auditlog_logentry "
            "((additional_data -> 'merchant'), id DESC)"
        )


def forget(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP INDEX CONCURRENTLY {NAME}")


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('auditlog', '0017_add_actor_email'),
        ('back_office', '0002_what_must_hold_is_looked_at_ahead'),
    ]

    operations = [migrations.RunPython(find_by_merchant, forget)]
