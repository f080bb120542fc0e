"""The exposure of shared mode by channel and hour; and the log of what was sent can be looked through by time."""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = "CREATE INDEX sent_log_time ON channels_sent_log USING brin (at) WITH (pages_per_range = 32)"


class Migration(migrations.Migration):

    dependencies = [
        ('channels', '0016_open_event'),
        ('orders', '0009_shortage_guard'),
    ]

    operations = [
        migrations.CreateModel(
            name='Exposure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hour', models.DateTimeField()),
                ('cuts', models.IntegerField()),
                ('units', models.IntegerField()),
                ('worst', models.IntegerField()),
                ('seconds', models.FloatField()),
                ('longest', models.FloatField()),
                ('unit_seconds', models.FloatField()),
                (
                    'channel',
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='channels.channel'
                    ),
                ),
                (
                    'organisation',
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.organisation'
                    ),
                ),
            ],
            options={
                'indexes': [models.Index(fields=['organisation', 'hour'], name='exposure_hour')],
                'constraints': [models.UniqueConstraint(fields=('channel', 'hour'), name='exposure_once')],
            },
        ),
        migrations.RunSQL(FORWARD, "DROP INDEX sent_log_time"),
    ]
