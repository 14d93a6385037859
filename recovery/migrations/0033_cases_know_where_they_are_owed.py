from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('recovery', '0032_what_mails_said_may_be_forgotten'),
    ]

    operations = [
        migrations.AddField(
            model_name='stripeconnection',
            name='account_since',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='stripeconnection',
            name='last_account_id',
            field=models.CharField(blank=True, db_default='', default='', max_length=255),
        ),
    ]
