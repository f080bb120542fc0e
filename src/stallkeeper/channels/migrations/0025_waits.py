"""When an account waited for its rate budget or for the platform: delays are told apart by it (S1.20)."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('channels', '0024_command_cancel'),
        ('core', '0009_api_keys'),
    ]

    operations = [
        migrations.CreateModel(
            name='Wait',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('step', models.CharField(max_length=20)),
                ('begun_at', models.DateTimeField()),
                ('until', models.DateTimeField()),
            ],
        ),
        migrations.AddIndex(
            model_name='command',
            index=models.Index(condition=models.Q(('state', 'done')), fields=['organisation', 'ended_at'], name='command_done'),
        ),
        migrations.AddField(
            model_name='wait',
            name='connection',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='channels.connection'),
        ),
        migrations.AddField(
            model_name='wait',
            name='organisation',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.organisation'),
        ),
        migrations.AddIndex(
            model_name='wait',
            index=models.Index(fields=['organisation', 'until'], name='wait_until'),
        ),
    ]
