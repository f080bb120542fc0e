"""A command has the connection of what it is about: not looked up once more per row (ADR 0020)."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('channels', '0007_sending'),
    ]

    operations = [
        migrations.AlterField(
            model_name='command',
            name='connection',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='commands', to='channels.connection'),
        ),
    ]
