import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('channels', '0027_step_moved'),
    ]

    operations = [
        migrations.AddField(
            model_name='channel',
            name='own_rules',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=30), blank=True, db_default=[], default=list, size=None),
        ),
    ]
