from django.db import migrations, models


def give_versions_their_plan(apps, schema_editor):
    """Until now a merchant had one plan for each type of decline."""
    campaigns = apps.get_model('dunning', 'DunningCampaign')
    first = {}
    for campaign in campaigns.objects.order_by('version', 'id'):
        campaign.plan = first.setdefault((campaign.merchant_id, campaign.default_for), f'plan_{campaign.pk}')
        campaign.state = 'current' if campaign.is_current else 'retired'
        campaign.published_at = campaign.created_at
        campaign.save()


class Migration(migrations.Migration):

    dependencies = [
        ('dunning', '0004_campaigns_in_versions'),
    ]

    operations = [
        migrations.RunPython(give_versions_their_plan, migrations.RunPython.noop),
        migrations.RemoveField(
            model_name='dunningcampaign',
            name='is_current',
        ),
        migrations.AddConstraint(
            model_name='dunningcampaign',
            constraint=models.UniqueConstraint(fields=('merchant', 'plan', 'version'), name='one_campaign_per_plan_and_version'),
        ),
        migrations.AddConstraint(
            model_name='dunningcampaign',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'current')), fields=('merchant', 'plan'), name='one_current_version_per_plan'),
        ),
        migrations.AddConstraint(
            model_name='dunningcampaign',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'draft')), fields=('merchant', 'plan'), name='one_draft_per_plan'),
        ),
        migrations.AddConstraint(
            model_name='dunningcampaign',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'current'), models.Q(('default_for', ''), _negated=True)), fields=('merchant', 'default_for'), name='one_default_campaign_per_decline_type'),
        ),
        migrations.AddConstraint(
            model_name='dunningcampaign',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('published_at__isnull', True), ('state', 'draft')), models.Q(models.Q(('state', 'draft'), _negated=True), ('published_at__isnull', False)), _connector='OR'), name='published_campaigns_say_when'),
        ),
    ]
