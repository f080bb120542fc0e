"""The database refuses kits of kits: a kit's part must be a single unit, and a unit with parts must stay a kit."""

from django.db import migrations

FORWARD = """
ALTER TABLE catalog_kitcomponent
    ADD CONSTRAINT kit_component_of_kit FOREIGN KEY (kit_id, kit_kind) REFERENCES catalog_stockunit (id, kind) DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT kit_component_is_single FOREIGN KEY (component_id, component_kind) REFERENCES catalog_stockunit (id, kind)
        DEFERRABLE INITIALLY DEFERRED;
"""
BACKWARD = """
ALTER TABLE catalog_kitcomponent DROP CONSTRAINT kit_component_of_kit, DROP CONSTRAINT kit_component_is_single;
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
