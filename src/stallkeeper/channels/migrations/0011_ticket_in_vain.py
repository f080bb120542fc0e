"""One unreadable reply among many looks does not end a submission: those in vain are counted apart, while they follow each other."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('channels', '0010_lane_claimed'),
    ]

    operations = [
        migrations.AddField(
            model_name='ticket',
            name='in_vain',
            field=models.PositiveIntegerField(default=0),
        ),
    ]
