"""A restored copy knows that it is one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0004_daily_run"),
    ]

    operations = [
        migrations.AddField(
            model_name="organisation",
            name="quarantined_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="in quarantine since"),
        ),
        migrations.CreateModel(
            name="DatabaseIdentity",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("system_identifier", models.BigIntegerField()),
                ("database_oid", models.BigIntegerField()),
                ("seen_at", models.DateTimeField()),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("pk", 1)), name="database_identity_one")],
            },
        ),
    ]
