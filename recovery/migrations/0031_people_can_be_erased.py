from django.db import migrations, models

from recovery.migrations._while_working import AddIndexWhileWorking, AddUniqueWhileWorking


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('recovery', '0030_campaigns_take_cases_up'),
    ]

    operations = [
        migrations.AddField(
            model_name='customer',
            name='erased_at',
            field=models.DateTimeField(blank=True, help_text="What was so then isn't learned any more.", null=True),
        ),
        migrations.AddField(
            model_name='customer',
            name='events_read_to',
            field=models.BigIntegerField(blank=True, help_text='The stored event up to which payloads that name them were looked for.', null=True),
        ),
        migrations.AddField(
            model_name='customer',
            name='pseudonym',
            field=models.CharField(blank=True, db_default='', default='', help_text="An erased guest's, whom no id at Stripe names.", max_length=64),
        ),
        migrations.AddField(
            model_name='recoverycase',
            name='person_erased_at',
            field=models.DateTimeField(blank=True, help_text='Since then nothing is kept of who owes.', null=True),
        ),
        AddIndexWhileWorking(
            model_name='customer',
            index=models.Index(condition=models.Q(('events_read_to__isnull', False)), fields=['id'], name='people_to_look_for_in_payloads'),
        ),
        # The new one before the old one goes: at no moment may a guest be there twice.
        AddUniqueWhileWorking(
            model_name='customer',
            constraint=models.UniqueConstraint(condition=models.Q(('stripe_customer_id', ''), models.Q(('email', ''), _negated=True)), fields=('merchant', 'email'), name='one_guest_per_known_address'),
        ),
        migrations.RemoveConstraint(
            model_name='customer',
            name='one_guest_per_address',
        ),
        AddUniqueWhileWorking(
            model_name='customer',
            constraint=models.UniqueConstraint(condition=models.Q(('pseudonym', ''), _negated=True), fields=('merchant', 'pseudonym'), name='one_erased_guest_per_pseudonym'),
        ),
    ]
