"""How long each operation takes on each channel, hour by hour, and what is promised for it (S1.20-S1.28)."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('channels', '0025_waits'),
        ('core', '0009_api_keys'),
        ('orders', '0015_order_desk'),
    ]

    operations = [
        migrations.AddField(
            model_name='order',
            name='not_listed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name='Delay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('operation', models.CharField(max_length=12)),
                ('hour', models.DateTimeField()),
                ('count', models.BigIntegerField()),
                ('ours_seconds', models.FloatField()),
                ('theirs_seconds', models.FloatField()),
                ('limits_seconds', models.FloatField()),
                ('total', models.JSONField()),
                ('ours', models.JSONField()),
                ('theirs', models.JSONField()),
                ('limits', models.JSONField()),
                ('worst', models.JSONField()),
                ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='channels.channel')),
                ('organisation', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.organisation')),
            ],
            options={
                'indexes': [models.Index(fields=['organisation', 'hour'], name='delay_hour')],
                'constraints': [models.UniqueConstraint(fields=('channel', 'operation', 'hour'), name='delay_once')],
            },
        ),
        migrations.CreateModel(
            name='Promise',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('operation', models.CharField(max_length=12)),
                ('seconds', models.PositiveIntegerField()),
                ('organisation', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.organisation')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organisation', 'operation'), name='promise_once')],
            },
        ),
    ]
