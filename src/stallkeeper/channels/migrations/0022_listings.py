"""A million listings: every filter of the list reads an index in the order of the list."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('channels', '0021_write_window_age'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='remotelisting',
            name='remote_listing_state',
        ),
        migrations.AddIndex(
            model_name='offer',
            index=models.Index(condition=models.Q(('stock_excluded', True), ('prices_excluded', True), _connector='OR'), fields=['channel', 'sku'], name='offer_left_out'),
        ),
        migrations.AddIndex(
            model_name='remotelisting',
            index=models.Index(fields=['channel', 'state', 'sku', 'external_id'], name='remote_listing_state'),
        ),
        migrations.AddIndex(
            model_name='remotelisting',
            index=models.Index(condition=models.Q(('external_id', ''), _negated=True), fields=['channel', 'external_id'], name='remote_listing_number'),
        ),
        migrations.AddIndex(
            model_name='remotelisting',
            index=models.Index(condition=models.Q(('state', 'new'), models.Q(('candidates', []), _negated=True)), fields=['channel', 'sku', 'external_id'], name='remote_listing_certain'),
        ),
        migrations.AddIndex(
            model_name='remotelisting',
            index=models.Index(condition=models.Q(('candidates', []), ('state', 'new')), fields=['channel', 'sku', 'external_id'], name='remote_listing_bare'),
        ),
        migrations.AddIndex(
            model_name='remotelisting',
            index=models.Index(condition=models.Q(('status', 'live'), _negated=True), fields=['channel', 'sku', 'external_id'], name='remote_listing_off'),
        ),
    ]
