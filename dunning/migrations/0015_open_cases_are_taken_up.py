from django.db import migrations, models

AT_ONCE = 1_000


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
        migrations.RunPython(take_up, migrations.RunPython.noop),
    ]
