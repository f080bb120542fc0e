"""What the facts behind figures were before they changed: the history that past figures are explained from (ADR 0060)."""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
CREATE TRIGGER fact_change_append_only BEFORE UPDATE OR DELETE ON core_factchange FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
UPDATE core_organisation SET facts_since = now();
"""
BACKWARD = "DROP TRIGGER fact_change_append_only ON core_factchange"


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0006_balancer'),
    ]

    operations = [
        migrations.AddField(
            model_name='organisation',
            name='facts_since',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name='FactChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('kind', models.CharField(max_length=10)),
                ('subject_id', models.BigIntegerField()),
                ('part', models.CharField(blank=True, db_default='', default='', max_length=60)),
                ('before', models.JSONField(null=True)),
                ('after', models.JSONField(null=True)),
                ('actor', models.CharField(max_length=60)),
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
                'indexes': [models.Index(fields=['organisation', 'kind', 'subject_id', 'at'], name='fact_change_subject')],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
