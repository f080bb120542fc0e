"""The audit screen goes by time."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0016_sign_in'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='auditentry',
            name='audit_actor',
        ),
        migrations.RemoveIndex(
            model_name='auditentry',
            name='audit_action',
        ),
        migrations.RemoveIndex(
            model_name='auditentry',
            name='audit_time',
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['organisation', 'actor', '-at', '-id'], name='audit_actor'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['organisation', 'action', '-at', '-id'], name='audit_action'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['organisation', '-at', '-id'], name='audit_time'),
        ),
    ]
