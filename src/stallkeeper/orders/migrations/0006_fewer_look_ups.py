"""What is written with its order, in one transaction and by the ids just given, is not looked up once more (ADR 0020)."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('channels', '0008_fewer_look_ups'),
        ('orders', '0005_taken_back'),
    ]

    operations = [
        migrations.AlterField(
            model_name='amount',
            name='line',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='amounts', to='orders.orderline'),
        ),
        migrations.AlterField(
            model_name='amount',
            name='order',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='amounts', to='orders.order'),
        ),
        migrations.AlterField(
            model_name='order',
            name='connection',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='orders', to='channels.connection'),
        ),
        migrations.AlterField(
            model_name='orderevent',
            name='order',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='events', to='orders.order'),
        ),
    ]
