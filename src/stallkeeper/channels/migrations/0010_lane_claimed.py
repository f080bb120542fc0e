"""Which lanes of an organisation run now is asked with each wake-up and tick (ADR 0041)."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('channels', '0009_observability'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='lane',
            index=models.Index(condition=models.Q(('claimed_by', ''), _negated=True), fields=['organisation'], name='lane_claimed'),
        ),
    ]
