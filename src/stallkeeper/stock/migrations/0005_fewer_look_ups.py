"""Movements, levels and marks have the organisation of their unit: fewer look-ups per row (ADR 0020)."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0003_fewer_look_ups"),
        ("core", "0003_hot_path"),
        ("stock", "0004_kept_back"),
    ]

    operations = [
        migrations.AlterField(
            model_name="level",
            name="organisation",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="core.organisation"
            ),
        ),
        migrations.AlterField(
            model_name="movement",
            name="organisation",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="core.organisation"
            ),
        ),
        migrations.AlterField(
            model_name="stale",
            name="organisation",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="core.organisation"
            ),
        ),
        migrations.AlterField(
            model_name="stale",
            name="stock_unit",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="catalog.stockunit"
            ),
        ),
    ]
