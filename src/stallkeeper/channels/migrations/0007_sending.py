"""Sending writes fewer index entries: one index for the log of what was sent, and no look-up of a ticket item's company."""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
DROP INDEX sent_log_offer;
ALTER TABLE channels_sent_log DROP CONSTRAINT channels_sent_log_pkey;
ALTER TABLE channels_sent_log ADD CONSTRAINT sent_log_offer PRIMARY KEY (offer_id, at, id);
"""
BACKWARD = """
ALTER TABLE channels_sent_log DROP CONSTRAINT sent_log_offer;
ALTER TABLE channels_sent_log ADD PRIMARY KEY (id, at);
CREATE INDEX sent_log_offer ON channels_sent_log (offer_id, at);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("channels", "0006_todo_order"),
        ("core", "0003_hot_path"),
    ]

    operations = [
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.AlterField(
            model_name="ticketitem",
            name="organisation",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="core.organisation"
            ),
        ),
    ]
