"""Observed holds: what channels show is kept back before the order comes (S3.49, S3.54-S3.57)."""

import django.db.models.deletion
from django.db import migrations, models

ADDS_UP = models.Q(
    seen=models.F("quantity") + models.F("taken_over") + models.F("withdrawn") + models.F("lapsed") + models.F("released")
)
OPEN_OR_ENDED = models.Q(("ended_at", None), ("quantity__gt", 0)) | models.Q(("ended_at__isnull", False), ("quantity", 0))


class Migration(migrations.Migration):

    dependencies = [
        ('channels', '0012_channel_warehouse'),
        ('core', '0006_balancer'),
    ]

    operations = [
        migrations.AddField(
            model_name='channel',
            name='holds_enabled',
            field=models.BooleanField(db_default=False, default=False, verbose_name='reserve what the channel shows'),
        ),
        migrations.AddField(
            model_name='channel',
            name='holds_from',
            field=models.DateTimeField(blank=True, null=True, verbose_name='from'),
        ),
        migrations.AddField(
            model_name='channel',
            name='hold_minutes',
            field=models.PositiveIntegerField(
                db_default=30, default=30, verbose_name='minutes until a reservation without an order ends'
            ),
        ),
        migrations.AddField(
            model_name='channel',
            name='hold_most',
            field=models.PositiveIntegerField(
                db_default=20, default=20, verbose_name='a fall by more units at once is taken for an edit'
            ),
        ),
        migrations.CreateModel(
            name='ObservedHold',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('quantity', models.PositiveIntegerField()),
                ('seen', models.PositiveIntegerField()),
                ('since', models.DateTimeField(blank=True, null=True)),
                ('seen_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('cause', models.CharField(max_length=60)),
                ('taken_over', models.PositiveIntegerField(default=0)),
                ('withdrawn', models.PositiveIntegerField(default=0)),
                ('lapsed', models.PositiveIntegerField(default=0)),
                ('released', models.PositiveIntegerField(default=0)),
                ('reason', models.CharField(blank=True, default='', max_length=300)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                (
                    'offer',
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name='observed_holds',
                        to='channels.offer',
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
                'indexes': [
                    models.Index(condition=models.Q(('ended_at', None)), fields=['offer'], name='observed_hold_open'),
                    models.Index(fields=['organisation', '-seen_at'], name='observed_hold_latest'),
                    models.Index(condition=models.Q(('ended_at', None)), fields=['expires_at'], name='observed_hold_due'),
                ],
                'constraints': [
                    models.CheckConstraint(condition=ADDS_UP, name='observed_hold_adds_up'),
                    models.CheckConstraint(condition=OPEN_OR_ENDED, name='observed_hold_open_or_ended'),
                ],
            },
        ),
    ]
