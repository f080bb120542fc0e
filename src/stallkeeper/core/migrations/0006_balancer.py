"""The company switch of the balancer: reservations from what channels show, before the order comes (S3.48)."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0005_quarantine'),
    ]

    operations = [
        migrations.AddField(
            model_name='organisation',
            name='balancer_enabled',
            field=models.BooleanField(
                db_default=False, default=False, verbose_name='reserve what channels show before the order comes'
            ),
        ),
    ]
