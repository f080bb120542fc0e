"""Which writes shortages name: those stay when old ones go."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('channels', '0021_write_window_age'),
        ('orders', '0010_exposure'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='shortage',
            index=models.Index(condition=models.Q(('window__isnull', False)), fields=['window'], name='shortage_of_window'),
        ),
    ]
