"""Todo rows are copies of their offers, commands belong to a connection: fewer look-ups per row (ADR 0020)."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("channels", "0004_unacknowledged"),
        ("core", "0003_hot_path"),
    ]

    operations = [
        migrations.AlterField(
            model_name="command",
            name="organisation",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="core.organisation"
            ),
        ),
        migrations.AlterField(
            model_name="offertodo",
            name="channel",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="channels.channel"
            ),
        ),
        migrations.AlterField(
            model_name="offertodo",
            name="offer",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="channels.offer"
            ),
        ),
        migrations.AlterField(
            model_name="offertodo",
            name="organisation",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="core.organisation"
            ),
        ),
    ]
