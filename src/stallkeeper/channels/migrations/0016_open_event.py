"""How many units were open by an offer at a past moment, where that is part of its figure; and when a value that was sent was wanted."""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
CREATE TRIGGER open_event_append_only BEFORE UPDATE OR DELETE ON channels_openevent FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE channels_sent_log ADD COLUMN wanted_at timestamptz, ADD COLUMN sent_at timestamptz, ADD COLUMN shown numeric(18, 4);
"""
BACKWARD = """
ALTER TABLE channels_sent_log DROP COLUMN wanted_at, DROP COLUMN sent_at, DROP COLUMN shown;
DROP TRIGGER open_event_append_only ON channels_openevent;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('channels', '0015_send_plans'),
        ('core', '0007_history'),
    ]

    operations = [
        migrations.CreateModel(
            name='OpenEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('offer_id', models.BigIntegerField()),
                ('open', models.IntegerField()),
                ('unacknowledged', models.IntegerField()),
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
                'indexes': [models.Index(fields=['offer_id', 'at'], name='open_event_offer')],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
