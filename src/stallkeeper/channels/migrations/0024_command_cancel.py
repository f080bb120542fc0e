"""Which orders we have cancelled ourselves: the list of orders asks for the others."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('channels', '0023_problem_board'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='command',
            index=models.Index(condition=models.Q(('kind', 'cancel')), fields=['subject_id'], name='command_cancel'),
        ),
    ]
