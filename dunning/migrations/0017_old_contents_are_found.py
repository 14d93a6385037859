from django.db import migrations, models

from recovery.migrations._while_working import AddIndexWhileWorking


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('billing_portal', '0006_links_are_listed'),
        ('dunning', '0016_what_messages_said_may_be_forgotten'),
        ('recovery', '0032_what_mails_said_may_be_forgotten'),
    ]

    operations = [
        AddIndexWhileWorking(
            model_name='dunningmessage',
            index=models.Index(condition=models.Q(('claimed_at__isnull', False), ('content_forgotten_at__isnull', True)), fields=['merchant', 'claimed_at'], name='contents_by_age'),
        ),
    ]
