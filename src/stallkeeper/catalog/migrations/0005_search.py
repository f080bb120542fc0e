"""Units are found by the beginning of their title."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0004_words_of_imports'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='stockunit',
            index=models.Index(fields=['organisation', 'title'], name='stock_unit_title'),
        ),
    ]
