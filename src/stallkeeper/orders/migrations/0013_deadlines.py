"""The next deadlines of orders are found without looking at the others (S1.19)."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0012_shortage_cut_wanted'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='order',
            index=models.Index(condition=models.Q(('acknowledge_by__isnull', False), ('acknowledged_at', None), ('fulfilled_by', 'seller'), ('state', 'new')), fields=['organisation', 'acknowledge_by'], name='order_acknowledge'),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(condition=models.Q(('dispatch_by__isnull', False), ('fulfilled_by', 'seller'), ('state__in', ['new', 'acknowledged', 'part_shipped'])), fields=['organisation', 'dispatch_by'], name='order_dispatch'),
        ),
    ]
