from django.db import migrations, models

from recovery.migrations._while_working import AddConstraintWhileWorking, AddIndexWhileWorking


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('recovery', '0027_payloads_are_kept_for_days'),
    ]

    operations = [
        AddConstraintWhileWorking(
            model_name='stripeevent',
            constraint=models.CheckConstraint(condition=models.Q(('payload_forgotten_at__isnull', True), models.Q(('payload', ''), ('state', 'processed')), _connector='OR'), name='what_is_still_to_be_processed_has_its_payload'),
        ),
        AddIndexWhileWorking(
            model_name='stripeevent',
            index=models.Index(condition=models.Q(('payload_forgotten_at__isnull', True), ('state', 'processed')), fields=['merchant', 'received_at'], name='payloads_by_age'),
        ),
    ]
