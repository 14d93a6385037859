from django.db import migrations, models

from recovery.migrations._while_working import AddIndexWhileWorking


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('recovery', '0020_what_a_key_lacks_is_kept'),
    ]

    operations = [
        AddIndexWhileWorking(
            model_name='recoverycase',
            index=models.Index(condition=models.Q(('status', 'open')), fields=['merchant', 'decline_type', '-opened_at', '-id'], name='open_cases_by_decline_type'),
        ),
        AddIndexWhileWorking(
            model_name='recoverycase',
            index=models.Index(condition=models.Q(('is_paused', True), ('status', 'open')), fields=['merchant', '-opened_at', '-id'], name='paused_cases'),
        ),
    ]
