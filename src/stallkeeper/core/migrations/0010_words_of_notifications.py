from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0009_api_keys'),
    ]

    operations = [
        migrations.AddField(model_name='notification', name='title_words', field=models.JSONField(null=True)),
        migrations.AddField(model_name='notification', name='detail_words', field=models.JSONField(null=True)),
    ]
