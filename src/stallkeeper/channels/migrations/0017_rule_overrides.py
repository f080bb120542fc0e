"""Rules of categories and products in place of the channel's; what the last hour sold (ADR 0051)."""

from decimal import Decimal

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0003_fewer_look_ups'),
        ('channels', '0016_open_event'),
        ('core', '0006_balancer'),
    ]

    operations = [
        migrations.CreateModel(
            name='RuleOverride',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('category', models.CharField(blank=True, default='', max_length=300, verbose_name='category')),
                ('share', models.DecimalField(blank=True, decimal_places=2, max_digits=5, null=True, verbose_name='share in per cent')),
                ('share_rounding', models.CharField(blank=True, choices=[('down', 'down'), ('up', 'up'), ('nearest', 'to the nearest')], default='', max_length=10, verbose_name='rounding')),
                ('buffer', models.PositiveIntegerField(blank=True, null=True, verbose_name='buffer')),
                ('max_publish', models.PositiveIntegerField(blank=True, null=True, verbose_name='cap')),
                ('zero_at', models.PositiveIntegerField(blank=True, null=True, verbose_name='zero at or below')),
                ('fixed', models.PositiveIntegerField(blank=True, null=True, verbose_name='fixed number')),
                ('velocity_share', models.DecimalField(blank=True, decimal_places=2, max_digits=6, null=True, verbose_name="last hour's sales kept back, in per cent")),
                ('valid_from', models.DateTimeField()),
                ('valid_until', models.DateTimeField(blank=True, null=True)),
                ('actor', models.CharField(max_length=60)),
            ],
            options={
                'verbose_name': 'rule of its own',
                'verbose_name_plural': 'rules of their own',
            },
        ),
        migrations.CreateModel(
            name='UnitSale',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('quantity', models.PositiveIntegerField()),
                ('sold_at', models.DateTimeField()),
                ('recorded_at', models.DateTimeField()),
                ('passed_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.AddField(
            model_name='channel',
            name='velocity_share',
            field=models.DecimalField(db_default=Decimal(0), decimal_places=2, default=Decimal(0), max_digits=6, verbose_name="last hour's sales kept back, in per cent"),
        ),
        migrations.AddConstraint(
            model_name='channel',
            constraint=models.CheckConstraint(condition=models.Q(('velocity_share__gte', 0)), name='channel_velocity_in_range'),
        ),
        migrations.AddField(
            model_name='ruleoverride',
            name='channel',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='overrides', to='channels.channel'),
        ),
        migrations.AddField(
            model_name='ruleoverride',
            name='organisation',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.organisation'),
        ),
        migrations.AddField(
            model_name='ruleoverride',
            name='stock_unit',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='catalog.stockunit'),
        ),
        migrations.AddField(
            model_name='unitsale',
            name='organisation',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.organisation'),
        ),
        migrations.AddField(
            model_name='unitsale',
            name='stock_unit',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='catalog.stockunit'),
        ),
        migrations.AddIndex(
            model_name='ruleoverride',
            index=models.Index(condition=models.Q(('valid_until', None)), fields=['channel', 'id'], name='rule_override_current'),
        ),
        migrations.AddIndex(
            model_name='ruleoverride',
            index=models.Index(condition=models.Q(('valid_until', None), ('velocity_share__gt', 0)), fields=['channel'], name='rule_override_velocity'),
        ),
        migrations.AddConstraint(
            model_name='ruleoverride',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('category', ''), ('stock_unit__isnull', False)), models.Q(models.Q(('category', ''), _negated=True), ('stock_unit', None)), _connector='OR'), name='rule_override_of_one'),
        ),
        migrations.AddConstraint(
            model_name='ruleoverride',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('share', None), models.Q(('share__gte', 0), ('share__lte', 100)), _connector='OR'), models.Q(('velocity_share', None), ('velocity_share__gte', 0), _connector='OR')), name='rule_override_in_range'),
        ),
        migrations.AddConstraint(
            model_name='ruleoverride',
            constraint=models.UniqueConstraint(condition=models.Q(('stock_unit', None), ('valid_until', None)), fields=('channel', 'category'), name='rule_override_category_once'),
        ),
        migrations.AddConstraint(
            model_name='ruleoverride',
            constraint=models.UniqueConstraint(condition=models.Q(('category', ''), ('valid_until', None)), fields=('channel', 'stock_unit'), name='rule_override_unit_once'),
        ),
        migrations.AddIndex(
            model_name='unitsale',
            index=models.Index(condition=models.Q(('passed_at', None)), fields=['stock_unit'], name='unit_sale_counts'),
        ),
        migrations.AddIndex(
            model_name='unitsale',
            index=models.Index(condition=models.Q(('passed_at', None)), fields=['sold_at'], name='unit_sale_due'),
        ),
        migrations.AddIndex(
            model_name='unitsale',
            index=models.Index(fields=['stock_unit', 'recorded_at'], name='unit_sale_history'),
        ),
    ]
