"""The company's threshold of guarded mode: of so few units or fewer, channels share."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0007_history'),
    ]

    operations = [
        migrations.AddField(
            model_name='organisation',
            name='guard_below',
            field=models.PositiveIntegerField(
                db_default=0, default=0, verbose_name='guarded mode for units of which there are no more than'
            ),
        ),
    ]
