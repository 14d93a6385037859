from django.db import migrations, models

from recovery.migrations._while_working import AddConstraintWhileWorking


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('dunning', '0015_open_cases_are_taken_up'),
    ]

    operations = [
        migrations.AddField(
            model_name='dunningmessage',
            name='content_forgotten_at',
            field=models.DateTimeField(blank=True, help_text="Since then it isn't kept what it said.", null=True),
        ),
        AddConstraintWhileWorking(
            model_name='dunningmessage',
            constraint=models.CheckConstraint(condition=models.Q(('content_forgotten_at__isnull', True), models.Q(('body_html', ''), ('body_text', ''), ('subject', '')), _connector='OR'), name='what_is_forgotten_says_nothing'),
        ),
    ]
