"""A shortage of guarded mode names the write that went over a sale."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('channels', '0019_guard'),
        ('orders', '0008_splits'),
    ]

    operations = [
        migrations.AddField(
            model_name='shortage',
            name='window',
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='channels.writewindow'
            ),
        ),
    ]
