import django.db.models.deletion
from django.db import migrations, models

from recovery.migrations._while_working import (
    AddIndexWhileWorking,
    AddUniqueWhileWorking,
    AllowSeveralWhileWorking,
)


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('billing_portal', '0006_links_are_listed'),
        ('dunning', '0017_old_contents_are_found'),
    ]

    operations = [
        AddIndexWhileWorking(
            model_name='dunningmessage',
            index=models.Index(condition=models.Q(('expired_link__isnull', False)), fields=['expired_link'], name='answers_of_a_link'),
        ),
        # The new one before the old one goes: at no moment may two answers be on their way.
        AddUniqueWhileWorking(
            model_name='dunningmessage',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['queued', 'sending'])), fields=('expired_link',), name='one_answer_on_its_way_per_link'),
        ),
        AllowSeveralWhileWorking(
            model_name='dunningmessage',
            name='expired_link',
            field=models.ForeignKey(blank=True, db_index=False, help_text='The link that the customer asked to replace.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='billing_portal.paymentupdatelink'),
        ),
    ]
