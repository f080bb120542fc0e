"""Buyers can be looked for without being readable: a blind index beside the vault (ADR 0068)."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0017_audit_by_time'),
    ]

    operations = [
        migrations.AddField(
            model_name='personaldata',
            name='words',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), db_default=[], default=list, size=None),
        ),
        migrations.CreateModel(
            name='PersonalWord',
            fields=[
                ('pk', models.CompositePrimaryKey('organisation_id', 'word', 'row', blank=True, editable=False, primary_key=True, serialize=False)),
                ('word', models.BigIntegerField()),
                ('row', models.BigIntegerField()),
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
            options={'abstract': False},
        ),
    ]
