"""Platforms that keep a figure per warehouse of theirs: a channel names the one whose figures it keeps true."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('channels', '0011_ticket_in_vain'),
    ]

    operations = [
        migrations.AddField(
            model_name='channel',
            name='warehouse',
            field=models.CharField(blank=True, db_default='', default='', max_length=50, verbose_name='warehouse of the platform'),
        ),
    ]
