"""What has left by the channel's word: a platform that scans goods keeps them in its own reserve until it has."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0006_fewer_look_ups'),
    ]

    operations = [
        migrations.AddField(
            model_name='orderline',
            name='told_shipped',
            field=models.IntegerField(db_default=0, default=0),
        ),
    ]
