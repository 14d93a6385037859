from django.db import migrations, models


def copy(apps, _schema_editor):
    connections = apps.get_model('recovery', 'StripeConnection').objects
    connections.update(last_account_id=models.F('account_id'))


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('recovery', '0033_cases_know_where_they_are_owed'),
    ]

    operations = [
        migrations.RunPython(copy, migrations.RunPython.noop),
    ]
