"""Guarded mode: which units, what their channels may show while nobody knows, and the windows of writes that cannot compare (ADR 0052)."""

import django.db.models.deletion
from django.db import migrations, models

ORGANISATION = {"db_index": False, "on_delete": django.db.models.deletion.PROTECT, "related_name": "+", "to": "core.organisation"}
ID = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0001_initial'),
        ('channels', '0018_sending_columns'),
        ('core', '0008_guard_below'),
    ]

    operations = [
        migrations.AddField(model_name='offer', name='most_qty', field=models.IntegerField(blank=True, null=True)),
        migrations.AddField(model_name='offer', name='missing_qty', field=models.IntegerField(db_default=0, default=0)),
        migrations.AddField(model_name='offer', name='missing_since', field=models.DateTimeField(blank=True, null=True)),
        migrations.CreateModel(
            name='GuardedUnit',
            fields=[
                ('id', ID),
                ('by_hand', models.BooleanField(default=False)),
                ('scarce', models.BooleanField(default=False)),
                ('since', models.DateTimeField()),
                ('organisation', models.ForeignKey(**ORGANISATION)),
                (
                    'stock_unit',
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name='+', to='catalog.stockunit'
                    ),
                ),
            ],
            options={
                'indexes': [models.Index(fields=['organisation'], name='guarded_unit_of')],
                'constraints': [
                    models.CheckConstraint(
                        condition=models.Q(('by_hand', True), ('scarce', True), _connector='OR'), name='guarded_unit_for_a_reason'
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name='WriteWindow',
            fields=[
                ('id', ID),
                ('read_at', models.DateTimeField()),
                ('read', models.IntegerField(null=True)),
                ('value', models.IntegerField()),
                ('sent_at', models.DateTimeField()),
                ('written_at', models.DateTimeField(null=True)),
                (
                    'offer',
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='channels.offer'
                    ),
                ),
                ('organisation', models.ForeignKey(**ORGANISATION)),
            ],
            options={'indexes': [models.Index(fields=['offer', '-sent_at'], name='write_window_offer')]},
        ),
    ]
