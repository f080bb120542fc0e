"""Orders that a channel cuts up: their units are moved, and looked for until the order that has them is listed."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0006_balancer'),
        ('orders', '0007_told_shipped'),
    ]

    operations = [
        migrations.AddField(
            model_name='order',
            name='unfound_until',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(condition=models.Q(('unfound_until__isnull', False)), fields=['unfound_until'], name='order_unfound'),
        ),
        migrations.AddField(
            model_name='orderline',
            name='unfound',
            field=models.IntegerField(db_default=0, default=0),
        ),
        migrations.AddConstraint(
            model_name='orderline',
            constraint=models.CheckConstraint(condition=models.Q(('unfound__gte', 0)), name='order_line_unfound'),
        ),
        migrations.CreateModel(
            name='OrderSplit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('units', models.IntegerField()),
                ('at', models.DateTimeField()),
                (
                    'into',
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name='split_from', to='orders.orderline'
                    ),
                ),
                (
                    'line',
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name='split_off', to='orders.orderline'
                    ),
                ),
                (
                    'organisation',
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name='+',
                        to='core.organisation',
                    ),
                ),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=('line', 'into'), name='order_split_once'),
                    models.CheckConstraint(condition=models.Q(('units__gt', 0)), name='order_split_units'),
                ],
            },
        ),
    ]
