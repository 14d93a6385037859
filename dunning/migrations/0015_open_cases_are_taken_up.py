from django.db import migrations, models

from recovery.migrations._on_postgresql import on_postgresql

AT_ONCE = 1_000
# What closed since the last tick of the version before, now that closings are noted: beside the
# trigger it would hold up who writes a case for as long as it takes to compare all live runs.
CLOSED_BEFORE = """
INSERT INTO dunning_closing (merchant_id, case_id)
  SELECT run.merchant_id, run.case_id
  FROM dunning_dunningrun AS run JOIN recovery_recoverycase AS cases ON cases.id = run.case_id
  WHERE run.state = 'live' AND cases.status <> 'open';
"""


def take_up(apps, schema_editor):
    """A thousand at a time, each in a transaction of its own: nobody waits for a row for long."""
    cases = apps.get_model("recovery", "RecoveryCase").objects
    runs = apps.get_model("dunning", "DunningRun").objects.filter(case=models.OuterRef("pk"))
    worked = cases.filter(models.Exists(runs), status="open", is_taken_up=False)
    while found := list(worked.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
        cases.filter(pk__in=found).update(is_taken_up=True)


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('dunning', '0014_closed_cases_are_noted'),
        ('recovery', '0030_campaigns_take_cases_up'),
    ]

    operations = [
        migrations.RunPython(on_postgresql(CLOSED_BEFORE), migrations.RunPython.noop),
        migrations.RunPython(take_up, migrations.RunPython.noop),
    ]
