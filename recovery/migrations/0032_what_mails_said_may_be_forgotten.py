import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('recovery', '0031_people_can_be_erased'),
    ]

    operations = [
        migrations.AddField(
            model_name='merchant',
            name='message_days',
            field=models.PositiveSmallIntegerField(blank=True, help_text='For how many days it is kept what mails said; empty: for good.', null=True, validators=[django.core.validators.MinValueValidator(30), django.core.validators.MaxValueValidator(3650)]),
        ),
        migrations.AddConstraint(
            model_name='merchant',
            constraint=models.CheckConstraint(condition=models.Q(('message_days__isnull', True), ('message_days__range', (30, 3650)), _connector='OR'), name='what_mails_said_is_kept_for_a_month_at_least'),
        ),
    ]
