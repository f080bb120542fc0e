"""When a figure was read first: whoever looks all the time would otherwise never know of a fall that its orders have been pulled since."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('channels', '0013_balancer'),
    ]

    operations = [
        migrations.AddField(
            model_name='offer',
            name='observed_since',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
