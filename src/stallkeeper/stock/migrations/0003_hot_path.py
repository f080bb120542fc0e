"""A reservation points to the level that it is promised from: one look-up per row, and nothing is promised where nothing is counted."""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
ALTER TABLE stock_reservation ADD CONSTRAINT reservation_level FOREIGN KEY (stock_unit_id, location_id)
    REFERENCES stock_level (stock_unit_id, location_id) DEFERRABLE INITIALLY DEFERRED;
"""
BACKWARD = "ALTER TABLE stock_reservation DROP CONSTRAINT reservation_level"


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0002_kits"),
        ("core", "0003_hot_path"),
        ("stock", "0002_ledger"),
    ]

    operations = [
        migrations.AlterField(
            model_name="reservation",
            name="location",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="stock.location"
            ),
        ),
        migrations.AlterField(
            model_name="reservation",
            name="organisation",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="core.organisation"
            ),
        ),
        migrations.AlterField(
            model_name="reservation",
            name="stock_unit",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.stockunit"
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
