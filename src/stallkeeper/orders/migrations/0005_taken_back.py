"""What a channel took back about goods that have left."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0004_hot_path")]

    operations = [
        migrations.AddField(model_name="orderline", name="taken_back", field=models.IntegerField(default=0, db_default=0)),
        migrations.AddConstraint(
            model_name="orderline",
            constraint=models.CheckConstraint(
                condition=models.Q(("taken_back__gte", 0), ("taken_back__lte", models.F("shipped"))), name="order_line_taken_back"
            ),
        ),
    ]
