"""Since when a cut had been waiting to be sent as a sale came in that went short: case files tell a late cut from one that nobody wanted."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0011_shortage_of_window'),
    ]

    operations = [
        migrations.AddField(
            model_name='shortage',
            name='cut_wanted_at',
            field=models.DateTimeField(null=True),
        ),
    ]
