import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('recovery', '0026_filters_are_looked_up_together'),
    ]

    operations = [
        migrations.AddField(
            model_name='merchant',
            name='payload_days',
            field=models.PositiveSmallIntegerField(db_default=90, default=90, help_text="For how many days it is kept what Stripe's events said, word for word.", validators=[django.core.validators.MinValueValidator(30), django.core.validators.MaxValueValidator(3650)]),
        ),
        migrations.AddConstraint(
            model_name='merchant',
            constraint=models.CheckConstraint(condition=models.Q(('payload_days__range', (30, 3650))), name='payloads_are_kept_for_a_month_to_ten_years'),
        ),
        migrations.AddField(
            model_name='stripeevent',
            name='payload_forgotten_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='stripeevent',
            name='payload',
            field=models.TextField(help_text='"" once it is forgotten.'),
        ),
    ]
