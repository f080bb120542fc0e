"""Shipments are found by their tracking number."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('fulfilment', '0001_initial'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='shipment',
            index=models.Index(fields=['organisation', 'tracking_number'], name='shipment_tracking'),
        ),
    ]
