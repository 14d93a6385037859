from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class AddIndexWhileCasesAreWorked(AddIndexConcurrently):
    """Nobody waits for it on PostgreSQL; SQLite is for trying out, and knows no other way."""

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


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('recovery', '0020_what_a_key_lacks_is_kept'),
    ]

    operations = [
        AddIndexWhileCasesAreWorked(
            model_name='recoverycase',
            index=models.Index(condition=models.Q(('status', 'open')), fields=['merchant', 'decline_type', '-opened_at', '-id'], name='open_cases_by_decline_type'),
        ),
        AddIndexWhileCasesAreWorked(
            model_name='recoverycase',
            index=models.Index(condition=models.Q(('is_paused', True), ('status', 'open')), fields=['merchant', '-opened_at', '-id'], name='paused_cases'),
        ),
    ]
