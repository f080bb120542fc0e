from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('channels', '0026_channel_fields'),
    ]

    operations = [
        migrations.AddField(
            model_name='lanestep',
            name='moved_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
