import django.db.models.deletion
from django.db import migrations, models

OF_THEIR_OFFERS = """
UPDATE channels_observedhold AS hold SET channel_id = offer.channel_id FROM channels_offer AS offer WHERE offer.id = hold.offer_id;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('channels', '0028_sub_channels'),
    ]

    operations = [
        migrations.AddField(
            model_name='observedhold',
            name='channel',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='channels.channel'),
        ),
        migrations.RunSQL(OF_THEIR_OFFERS, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name='observedhold',
            name='channel',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='channels.channel'),
        ),
        migrations.AddIndex(
            model_name='observedhold',
            index=models.Index(fields=['channel', '-seen_at', '-id'], name='observed_hold_channel'),
        ),
    ]
