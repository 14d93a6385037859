from django.db import migrations, models

from recovery.migrations._while_working import AddIndexWhileWorking


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('recovery', '0029_open_cases_by_currency'),
    ]

    operations = [
        migrations.AddField(
            model_name='recoverycase',
            name='is_taken_up',
            field=models.BooleanField(db_default=False, default=False, help_text='A campaign works it, or has: none begins by itself any more.'),
        ),
        AddIndexWhileWorking(
            model_name='recoverycase',
            index=models.Index(condition=models.Q(('is_taken_up', False), ('status', 'open')), fields=['id'], name='cases_to_take_up'),
        ),
    ]
