from django.db import migrations, models

from recovery.migrations._while_working import AddIndexWhileWorking, RemoveIndexWhileWorking

OPEN = models.Q(("status", "open"))


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('recovery', '0028_old_payloads_are_found'),
    ]

    operations = [
        AddIndexWhileWorking(
            model_name='recoverycase',
            index=models.Index(condition=OPEN, fields=['merchant', '-amount', '-id', 'currency'], name='open_cases_of_an_amount'),
        ),
        AddIndexWhileWorking(
            model_name='recoverycase',
            index=models.Index(condition=OPEN, fields=['merchant', 'decline_type', '-opened_at', '-id', 'currency'], name='open_cases_of_a_decline_type'),
        ),
        AddIndexWhileWorking(
            model_name='recoverycase',
            index=models.Index(condition=models.Q(('is_paused', True), ('status', 'open')), fields=['merchant', '-amount', '-id'], name='paused_cases_by_amount'),
        ),
        RemoveIndexWhileWorking(
            model_name='recoverycase',
            name='open_cases_by_amount',
        ),
        RemoveIndexWhileWorking(
            model_name='recoverycase',
            name='open_cases_by_decline_type',
        ),
    ]
