"""What people said of the first run."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0014_problem_board'),
    ]

    operations = [
        migrations.AddField(
            model_name='organisation',
            name='start_passed',
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=40), blank=True, db_default=[], default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name='organisation',
            name='start_ended_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
