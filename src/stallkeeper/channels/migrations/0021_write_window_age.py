"""Old writes of guarded units go in the nightly housekeeping."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('channels', '0020_send_outcome'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='writewindow',
            index=models.Index(fields=['sent_at'], name='write_window_age'),
        ),
    ]
